import { relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { reachable } from '../../base/config/beside.ts'
import { listenAddress } from '../../base/config/parsers/hosts.ts'
import { readOptions } from '../snippet/options.ts'
import { EVERY_NAME } from '../snippet/outgoing.ts'
import { templateOf } from '../snippet/proxies.ts'
import type { Files } from '../snippet/settings.ts'
import { ENV_FILE } from '../write-files.ts'
import { caddyFiles } from './caddy.ts'
import { withoutSpecial, withVariables } from './env-file.ts'
import { loginVariables, originsIn } from './login.ts'
import { isLocal, listenArgs, originOf } from './place.ts'
import type { Answers } from './questions.ts'
import { asksAddress, withAddress } from './who.ts'

const isCompose = ({ proxy }: Answers): boolean => proxy === 'traefik-labels'

type Env = Readonly<Record<string, string | undefined>>

/** Only the proxy on this machine asks it. */
const LISTEN = '127.0.0.1:4180'

/** LISTEN as it is there, if the proxy can ask it. */
function listenIn ({ LISTEN: text = '' }: Env): Readonly<{ text: string, origin: string }> {
  const read = listenAddress.parse(text, () => '')
  if (read.kind === 'problem' || read.value.kind === 'unix') return { text: LISTEN, origin: `http://${LISTEN}` }
  const host = reachable(read.value.host)
  return { text, origin: `http://${host.includes(':') ? `[${host}]` : host}:${read.value.port}` }
}

/** The arguments for `snippet`. */
function snippetArgs (answers: Answers, there: Env): readonly string[] {
  const { proxy, host, app } = answers
  const forwardAuth = isCompose(answers) ? 'http://forward-auth:4180' : listenIn(there).origin
  return [proxy, '--host', host, '--app', app, ...listenArgs(answers), '--forward-auth', forwardAuth]
}

/** The variables, without those that have the default. @param secret of the login, where there is none yet */
function variablesOf (answers: Answers, there: Env, secret: string): Readonly<Record<string, string>> {
  const { endpoint, client, allow } = answers
  return {
    AUTHGEAR_ENDPOINT: endpoint,
    // in a container every address is its own
    ...isCompose(answers) ? {} : { LISTEN: listenIn(there).text },
    ...client === '' ? {} : loginVariables({ client, origin: originOf(answers) }, there, secret),
    ...allow === '' ? {} : { ALLOW: allow === there['ALLOW'] ? allow : withoutSpecial(allow) },
    ...asksAddress(allow) ? { IDENTITY_PROFILE: withAddress(there['IDENTITY_PROFILE']) } : {}
  }
}

/** The files to write. @param there the text of the `.env` that is there @param secret a new one */
export function filesOf (answers: Answers, there: string, secret: string): Files {
  const env = parseEnv(there)
  const isCaddy = answers.proxy === 'caddy'
  const reading = readOptions([...snippetArgs(answers, env), ...isCaddy ? EVERY_NAME : []])
  if (reading.kind !== 'options') throw new Error('answers that were checked are no options of snippet')
  const { proxy, settings } = reading.options
  return {
    ...isCaddy ? caddyFiles(settings) : templateOf(proxy)(settings),
    [ENV_FILE]: withVariables(there, variablesOf(answers, env, secret))
  }
}

/**
 * The problem of a second host: the files of every proxy but Caddy are for one.
 * @param has true if such a file is there
 */
export function secondHost (
  answers: Answers, there: string, files: Files, has: (name: string) => boolean
): string | undefined {
  const env = parseEnv(there)
  const [[first], origin, [main = '']] = [originsIn(env), originOf(answers), Object.keys(files)]
  const isKnown = first === undefined || originsIn(env).includes(origin)
  if (answers.proxy === 'caddy' || isKnown || !has(main)) return undefined
  return `${main} is for ${first}, and only to Caddy's files can init add another host: add yourself what ` +
    `\`snippet ${snippetArgs(answers, env).join(' ')}\` prints for it, and ${origin} to LOGIN_PUBLIC_URL`
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

const WEAKEST = 'A rule by address is as good as the weakest way of signing in: docs/portal.md, "Who can register"'

/** The addresses that Authgear has to know, as lines. */
export function redirectUris (answers: Pick<Answers, 'host' | 'app'>): string {
  const origin = originOf(answers)
  return `   ${origin}/_auth/callback    as an Authorized Redirect URI\n` +
    `   ${origin}/_auth/logged-out  as a Post Logout Redirect URI`
}

type Where = Readonly<{
  /** The path of this program. */
  program: string
  folder: string
  /** The addresses to register were shown before the client was asked for. */
  isRegistered: boolean
}>

export function nextSteps (answers: Answers, { program, folder, isRegistered }: Where): readonly string[] {
  const { proxy, client, allow } = answers
  const origin = originOf(answers)
  const directory = relative('.', folder) || '.'
  const enter = directory === '.' ? '' : `cd ${shell(directory)} && `
  const ours = `node --env-file=${ENV_FILE} ${shell(relative(resolve(folder), program))}`
  const start = isCompose(answers)
    ? `Write your app's image into traefik-labels.yml, then: ${enter}${STARTS[proxy]}`
    : `Start both, or restart what runs: ${enter}${ours}  and  ${enter}${STARTS[proxy]}`
  const certificate = isLocal(answers) ? '' : `. ${CERTIFICATES[proxy].replaceAll('HOST', answers.host)}`
  return [
    ...client === '' || !isRegistered ? [setUp(answers)] : [],
    ...asksAddress(allow) ? [WEAKEST] : [],
    `${start}${certificate}`,
    `Open ${origin}/. If something is wrong: ${enter}${ours} doctor --url ${origin}`
  ]
}

const setUp = (answers: Answers): string => answers.client === ''
  ? `Make a client in Authgear's portal (docs/portal.md), and register there\n${redirectUris(answers)}\n` +
    '   Then run init again with its id: until then nobody can sign in'
  : `In Authgear's portal, in the client ${answers.client}, register\n${redirectUris(answers)}`

const shell = (path: string): string => /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
