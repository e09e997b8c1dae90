import { readFileSync } from 'node:fs'
import { loadConfig } from '../app/config.ts'
import type { Config, LoadedConfig, Setting } from '../base/config/index.ts'
import { certificateStage, endOf } from '../base/core/certificate.ts'
import { certificateLife } from '../base/http/tls.ts'
import type { HostSubject } from '../base/parts/findings.ts'
import { parseHost } from './cert/options.ts'
import { type Out, readArguments, refuse } from './command-line.ts'
import { everyoneEnters } from '../base/core/who-enters.ts'
import { parts } from '../parts/index.ts'

/** A note for everybody: policies are in the proxy's configuration, which `check` does not read. */
const NOTE =
  'note: Authgear does not send amr yet, so a policy with `amr=…` refuses everyone (docs/policies.md)\n'

const OPTIONS = { host: { type: 'string' } } as const
const SOURCES: Readonly<Record<Setting['source'], string>> = { default: 'default', set: 'environment', file: 'file' }
const HEAD = ['variable', 'value', 'from'] as const

/**
 * Prints the configuration as it counts, with secrets masked, and its warnings; or all that is wrong with it. Returns
 * the exit code.
 * @param args `--host HOST`: also refuses what lets nobody who opens that host sign in
 */
export function check (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  out: Out,
  load: (env: NodeJS.ProcessEnv) => LoadedConfig = loadConfig
): 0 | 1 {
  const values = readArguments(args, OPTIONS, () => 'check takes no argument but --host HOST')
  if (typeof values === 'string') return refuse([values], out)
  const { host } = values
  const loaded = load(env)
  const errors = host === undefined ? loaded.kind === 'errors' ? loaded.errors : [] : allProblems(host, loaded)
  if (loaded.kind === 'errors' || errors.length > 0) return refuse(errors, out)
  const ended = certificateProblem(loaded.config)
  if (ended?.isOver === true) return refuse([ended.text], out)
  printSettings(loaded.settings, out)
  const { warnings, config } = loaded
  for (const warning of [...warnings, ended?.text, everyoneEnters(config)].filter((one) => one !== undefined)) {
    out.write(`warning: ${warning}\n`)
  }
  out.write(NOTE)
  for (const note of loaded.config.parts.flatMap(({ claims }) => claims.notes ?? [])) out.write(`note: ${note}\n`)
  return 0
}

function printSettings (settings: readonly Setting[], out: Out): void {
  const rows = settings.map(({ name, shown, source }) => [name, shown === '' ? '–' : shown, SOURCES[source]] as const)
  out.write(table([HEAD, ...rows]))
  out.write(`set: ${settings.flatMap(asWritten).join(', ')}\n`)
}

/** The variable that came, where one did: what a compose file does not pass on is missing here. */
const asWritten = ({ name, source }: Setting): readonly string[] =>
  source === 'default' ? [] : [source === 'file' ? `${name}_FILE` : name]

/**
 * The problem of the main listener's certificate: a warning before its end, an error after it. The start says the same
 * in its log.
 */
function certificateProblem ({ tls }: Config): Readonly<{ text: string, isOver: boolean }> | undefined {
  if (tls === undefined) return undefined
  const [life, now] = [certificateLife(readFileSync(tls.certFile, 'utf8')), Date.now()]
  const stage = certificateStage(life, now)
  if (stage === undefined) return undefined
  return { text: `LISTEN_TLS_CERT_FILE: its certificate ${endOf(life, now)}: renew it`, isOver: stage <= 0 }
}

type Row = readonly [name: string, value: string, from: string]

/** Two columns as wide as what is in them, and what is left. */
function table (rows: readonly Row[]): string {
  const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length))
  const [names, values] = [width(0), Math.min(width(1), 60)]
  return rows.map(([name, value, from]) => `${name.padEnd(names)}  ${value.padEnd(values)}  ${from}\n`).join('') + '\n'
}

/** Problems for `check --host`; a login that cannot reach another host counts too. */
function allProblems (host: string, loaded: LoadedConfig): readonly string[] {
  if (loaded.kind === 'errors') return [...hostProblems(host), ...loaded.errors]
  const problems = signInProblems(host, loaded.config)
  return problems.length > 0 ? problems : loaded.warnings.filter(isOfHosts)
}

/** True for a warning about a variable of a part that judges hosts. */
const isOfHosts = (warning: string): boolean => parts.some(({ judgesHosts, variables }) =>
  judgesHosts && Object.keys(variables).some((name) => warning.startsWith(name)))

/** Names that are this machine, where browsers need no HTTPS. */
const LOCAL = /^(?:localhost|.*\.localhost)$/
/** The name of a container, which no browser can open. */
const INNER = /^[^.]+$/

/** As it is typed, and as the Compose stacks have it. */
const HOST_OPTION = '--host (APP_HOST in .env)'

/**
 * Why nobody who opens `https://HOST` could ever sign in; each says what to do, in Authgear's portal too.
 * @param text the host of the app, as `--host` has it
 */
function signInProblems (text: string, config: Config): readonly string[] {
  const host = openedHost(text)
  if (host === undefined) return hostProblems(text)
  const authgear = config.authgear.endpoint.host.replace(/:\d+$/, '')
  const isLocal = LOCAL.test(host)
  const subject = { host, isLocal, authgear, isSimulated: INNER.test(authgear) || LOCAL.test(authgear) }
  const problems = [...isLocal ? [] : [plainEndpoint(config), ownHost(subject)], ...problemsOfParts(config, subject)]
  return problems.filter((problem) => problem !== false)
}

/** A part that is off may say so. */
const problemsOfParts = (config: Config, subject: HostSubject): readonly (string | false)[] =>
  parts.flatMap((part) => (config.parts.find(({ name }) => name === part.name) ?? part).hostProblems(subject))

function openedHost (text: string): string | undefined {
  const host = parseHost(text)
  return host?.kind === 'dns' && (LOCAL.test(host.value) || !INNER.test(host.value)) ? host.value : undefined
}

/** The problems of the name itself, whatever the configuration. */
function hostProblems (text: string): readonly string[] {
  if (openedHost(text) !== undefined) return []
  return [
    text === ''
      ? `${HOST_OPTION}: is not set: write the name that people open, such as app.example.com`
      : `${HOST_OPTION}: ${JSON.stringify(text)} is not a host name: write the name that people open, such as ` +
        'app.example.com, without https://, port or path'
  ]
}

const plainEndpoint = ({ authgear: { endpoint } }: Config): string | false =>
  endpoint.scheme === 'http' &&
    `AUTHGEAR_ENDPOINT: ${endpoint.origin} is not https: browsers send Authgear's cookie over HTTPS only. Write ` +
    `https://${endpoint.host}, the project's public origin; an address inside goes into AUTHGEAR_RESOLVER_URL`

const ownHost = ({ host, authgear }: HostSubject): string | false =>
  host === authgear &&
    `${HOST_OPTION}: ${host} is Authgear's own name: the app needs another one in the same domain`
