import { relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { readOptions } from '../snippet/options.ts'
import { templateOf } from '../snippet/proxies.ts'
import type { Files } from '../snippet/settings.ts'
import { ENV_FILE } from '../write-files.ts'
import { loginVariables } from './login.ts'
import type { Answers } from './questions.ts'
import { asksAddress, withAddress } from './who.ts'

const PORT = 8080

const isLocal = ({ host }: Answers): boolean => host === 'localhost' || host.endsWith('.localhost')
const isCompose = ({ proxy }: Answers): boolean => proxy === 'traefik-labels'

/** The URL that people open. */
const originOf = (answers: Answers): string =>
  isLocal(answers) ? `http://${answers.host}:${PORT}` : `https://${answers.host}`

/** The arguments for `snippet`. */
function snippetArgs (answers: Answers): readonly string[] {
  const { proxy, host, app, client } = answers
  return [
    proxy, '--host', host, '--app', app,
    ...isLocal(answers) ? ['--listen', `127.0.0.1:${PORT}`] : ['--https'],
    '--forward-auth', isCompose(answers) ? 'http://forward-auth:4180' : 'http://127.0.0.1:4180',
    ...client === '' ? ['--no-login'] : []
  ]
}

/** The variables, without those that have the default. @param secret of the login, where there is none yet */
function variablesOf (answers: Answers, there: string, secret: string): Readonly<Record<string, string>> {
  const { endpoint, client, allow } = answers
  return {
    AUTHGEAR_ENDPOINT: endpoint,
    // on the host the proxy alone asks it; in a container every address is its own
    ...isCompose(answers) ? {} : { LISTEN: '127.0.0.1:4180' },
    ...client === '' ? {} : loginVariables({ client, origin: originOf(answers) }, there, secret),
    ...allow === '' ? {} : { ALLOW: allow },
    ...asksAddress(allow) ? { IDENTITY_PROFILE: withAddress(parseEnv(there)['IDENTITY_PROFILE']) } : {}
  }
}

/** One variable with its lines: a value in quotes may have several. */
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`)?[^\n]*\n?/gm

/** Sets these variables, and leaves all else as it is. */
function withVariables (there: string, wanted: Readonly<Record<string, string>>): string {
  const present = parseEnv(there)
  const changed = Object.entries(wanted).filter(([name, value]) => present[name] !== value)
  const names = new Set(changed.map(([name]) => name))
  const rest = there.replaceAll(ASSIGNMENT, (all, name: string) => names.has(name) ? '' : all).trimEnd()
  return [...rest === '' ? [] : [rest], ...changed.map(([name, value]) => `${name}=${/\s/.test(value) ? `"${value}"` : value}`), ''].join('\n')
}

/** The files to write. @param there the text of the `.env` that is there @param secret a new one */
export function filesOf (answers: Answers, there: string, secret: string): Files {
  const reading = readOptions(snippetArgs(answers))
  if (reading.kind !== 'options') throw new Error('answers that were checked are no options of snippet')
  const { proxy, settings } = reading.options
  return { ...templateOf(proxy)(settings), [ENV_FILE]: withVariables(there, variablesOf(answers, there, secret)) }
}

const STARTS: Readonly<Record<Answers['proxy'], string>> = {
  caddy: 'caddy run --config Caddyfile',
  traefik: 'traefik --configFile=traefik.yml',
  nginx: 'nginx -p . -c nginx.conf',
  'traefik-labels': 'docker compose -f traefik-labels.yml up'
}

/** Source of the name's certificate. */
const CERTIFICATES: Readonly<Record<Answers['proxy'], string>> = {
  caddy: 'Caddy fetches the certificate: HOST must lead here, with ports 80 and 443 open',
  traefik: 'Traefik fetches the certificate: HOST must lead here, with ports 80 and 443 open',
  nginx: 'First get a certificate (certbot certonly --standalone -d HOST), and copy fullchain.pem and privkey.pem ' +
    'beside nginx.conf',
  'traefik-labels': 'Traefik fetches the certificate: HOST must lead here, with ports 80 and 443 open'
}

const WEAKEST = '. A rule by address is as good as the weakest way of signing in: docs/portal.md, "Who can register"'

/** @param program the path of this program */
export function nextSteps (answers: Answers, program: string): readonly string[] {
  const { proxy, folder, client, allow } = answers
  const origin = originOf(answers)
  const directory = relative('.', folder) || '.'
  const enter = directory === '.' ? '' : `cd ${shell(directory)} && `
  const ours = `node --env-file=${ENV_FILE} ${shell(relative(resolve(folder), program))}`
  const setUp = client === ''
    ? "Make a client in Authgear's portal (docs/portal.md), then run init again with its id: until then nobody can " +
      'sign in'
    : `In Authgear's portal, in the client ${client}, register ${origin}/_auth/callback as an Authorized Redirect URI ` +
      `and ${origin}/_auth/logged-out as a Post Logout Redirect URI${asksAddress(allow) ? WEAKEST : ''}`
  const start = isCompose(answers)
    ? `Write your app's image into traefik-labels.yml, then: ${enter}${STARTS[proxy]}`
    : `Start both: ${enter}${ours}  and  ${enter}${STARTS[proxy]}`
  const certificate = isLocal(answers) ? '' : `. ${CERTIFICATES[proxy].replaceAll('HOST', answers.host)}`
  const look = `Open ${origin}/. If something is wrong: ${enter}${ours} doctor --url ${origin}`
  return [setUp, `${start}${certificate}`, look]
}

const shell = (path: string): string => /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
