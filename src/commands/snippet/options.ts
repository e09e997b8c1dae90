import { parts } from '../../parts/index.ts'
import { isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import { quote } from '../../base/config/kind.ts'
import { didYouMean } from '../../base/config/unknown.ts'
import { askedAddress } from '../../base/config/parsers/hosts.ts'
import { parseHost } from '../cert/options.ts'
import { optionMeant } from '../command-line.ts'
import { readOutgoing, strippedBeside } from './outgoing.ts'
import { PROXIES, type ProxyName } from './proxies.ts'
import { addScope, type GivenResource, readResource } from './resources.ts'
import { readPolicies, type Rules } from './routes.ts'
import { type Address, allPolicies, judgesCalls, type Settings } from './settings.ts'

type Url = Settings['forwardAuth']

/** The substitute for a value that is wrong: with an error nothing is ever made of it. */
const NOWHERE: Address = Object.freeze({ host: '', port: 0, text: '' })
const PORTS = { http: '80', https: '443' } as const

/** A name or an address and a port, and not one character more. */
function readListen (text: string, errors: string[], option = '--listen'): Address {
  const read = askedAddress.parse(text)
  if (read.kind === 'problem') errors.push(`${option} ${read.problem}`)
  else if (read.value.kind === 'unix') errors.push(`${option} ${quote(text)} must be host:port`)
  else if (read.value.port === 0) errors.push(`${option} ${quote(text)} needs a port that is not 0`)
  else return addressOf(read.value.host, read.value.port)
  return NOWHERE
}

/** `http://host:port` or `https://…`; a path would be the policy's place, a user none at all. */
function readUrl (option: string, text: string, errors: string[]): Url {
  const [, scheme, host = '', port] =
    /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^:/?#[\]@\s]+)(?::(\d{1,5}))?\/?$/.exec(text) ?? []
  const tls = scheme === 'https'
  const read =
    scheme === undefined ? undefined : askedAddress.parse(`${host}:${port ?? PORTS[tls ? 'https' : 'http']}`)
  if (read?.kind !== 'parsed' || read.value.kind !== 'tcp' || read.value.port === 0) {
    errors.push(`${option} ${quote(text)} must be http://host:port or https://host:port, with nothing behind it`)
    return { ...NOWHERE, tls, origin: '' }
  }
  const address = addressOf(read.value.host, read.value.port)
  return { ...address, tls, origin: `${tls ? 'https' : 'http'}://${address.text}` }
}

/** The name of a service, whose address is `http://NAME:8080`. */
const PLAIN_NAME = /^(?=.*[a-z-])[a-z0-9-]+$/
const PORT = /^\d{1,5}$/

function readApp (given: string, errors: string[]): Settings['app'] {
  if (PORT.test(given)) {
    errors.push(`--app ${quote(given)} is a port alone: write http://127.0.0.1:${given}, or http://NAME:${given} for a container`)
    return { ...NOWHERE, tls: false }
  }
  const { tls, host, port, text } = readUrl('--app', given.replace(PLAIN_NAME, 'http://$&:8080'), errors)
  return { host, port, text, tls }
}

function readHost (text: string, errors: string[]): string {
  const host = parseHost(text)
  if (host?.kind === 'dns') return host.value
  errors.push(`--host ${quote(text)} must be the one DNS name that clients use (no port, no wildcard)`)
  return ''
}

function addressOf (host: string, port: number): Address {
  return { host, port, text: `${isIPv6(host) ? `[${host}]` : host}:${port}` }
}

type SnippetOptions = Readonly<{
  proxy: ProxyName
  out: string | undefined
  /** Files that are there may be overwritten. */
  isForced: boolean
  settings: Settings
}>

export type OptionsReading = Readonly<
  { kind: 'options', options: SnippetOptions } | { kind: 'help' } | { kind: 'errors', errors: readonly string[] }
>

/** Options that take a text, with their defaults. */
const TEXTS = {
  out: '',
  listen: '0.0.0.0:8080',
  'forward-auth': 'http://forward-auth:4180',
  grpc: 'forward-auth:4183',
  app: 'http://app:8080',
  host: 'app.example.com',
  identity: ''
} as const
type TextName = keyof typeof TEXTS
/** They take a text too. */
const REPEATABLE: readonly string[] = ['policy', 'resource', 'scope']
/** --login is the default, and stays for command lines of former versions. */
const FLAGS: readonly string[] = [
  ...parts.flatMap(({ sends }) => sends?.flag ?? []),
  'case-sensitive', 'login', 'no-login', 'https', 'public', 'force', 'help'
]
/** The former name of --forward-auth still works. */
const FORMER_NAME = 'adapter'

const OPTIONS: Readonly<Record<string, Readonly<{ type: 'string' | 'boolean' }>>> = Object.fromEntries([
  ...[...Object.keys(TEXTS), FORMER_NAME, ...REPEATABLE].map((name) => [name, { type: 'string' }]),
  ...FLAGS.map((name) => [name, { type: 'boolean' }])
])

type Given = Readonly<{
  positionals: string[]
  texts: Partial<Record<TextName, string>>
  policies: string[]
  resources: GivenResource[]
  flags: Set<string>
}>

/** The command line of `snippet`; all that is wrong with it at once. */
export function readOptions (args: readonly string[]): OptionsReading {
  const errors: string[] = []
  const given = collect(args, errors)
  const { positionals, texts, flags } = given
  if (flags.has('help')) return { kind: 'help' }
  const proxy = proxyOf(positionals, errors)
  const settings = settingsOf(given, errors)
  if (proxy === 'apisix' && allPolicies(settings).some(({ policy }) => judgesCalls(policy))) errors.push(NO_CALLS)
  return errors.length > 0 || proxy === undefined
    ? { kind: 'errors', errors }
    : { kind: 'options', options: Object.freeze({ proxy, out: texts.out, isForced: flags.has('force'), settings }) }
}

const NO_CALLS = 'apisix cannot keep rules by tool (tool=, prompt=, resource_uri=, tool_scope=): of two lines of a ' +
  'header it shows forward-auth the first alone. Use another proxy, or one server for each set of tools'

function collect (args: readonly string[], errors: string[]): Given {
  const given: Given = { positionals: [], texts: {}, policies: [], resources: [], flags: new Set() }
  const how = { options: OPTIONS, strict: false, allowPositionals: true, tokens: true } as const
  for (const token of parseArgs({ args: [...args], ...how }).tokens) {
    if (token.kind === 'positional') given.positionals.push(token.value)
    if (token.kind !== 'option') continue
    const [name, value = ''] = [token.name === FORMER_NAME ? 'forward-auth' : token.name, token.value]
    const problem = problemOf(name, token.value, given.texts)
    if (problem !== undefined) errors.push(problem)
    else if (name === 'policy') given.policies.push(value)
    else if (name === 'resource') given.resources.push({ text: value, scopes: [] })
    else if (name === 'scope') addScope(given.resources.at(-1), value, errors)
    else if (isText(name)) given.texts[name] = value
    else given.flags.add(name)
  }
  return given
}

const isText = (name: string): name is TextName => Object.hasOwn(TEXTS, name)

function problemOf (
  name: string,
  value: string | undefined,
  seen: Partial<Record<TextName, string>>
): string | undefined {
  if (!Object.hasOwn(OPTIONS, name)) {
    return `there is no option --${name.slice(0, 40)}${optionMeant(name, Object.keys(OPTIONS))}`
  }
  if (FLAGS.includes(name)) return value === undefined ? undefined : `--${name} takes no value`
  if (value === undefined || value === '' || value.startsWith('--')) return `--${name} needs a value`
  return isText(name) && seen[name] !== undefined ? `--${name} is given twice` : undefined
}

function proxyOf ([text, ...more]: readonly string[], errors: string[]): ProxyName | undefined {
  const proxy = PROXIES.find((name) => name === text)
  const problem = text === undefined
    ? 'which proxy?'
    : `there is no configuration for ${quote(text)}${didYouMean(text, PROXIES) || '.'}`
  if (proxy === undefined) errors.push(`${problem} One of ${PROXIES.join(', ')}`)
  if (more.length > 0) errors.push(`one proxy at a time: unexpected ${more.map(quote).join(' ')}`)
  return proxy
}

function settingsOf ({ texts, policies, resources, flags }: Given, errors: string[]): Settings {
  const text = (name: TextName): string => texts[name] ?? TEXTS[name]
  const forwardAuth = readUrl('--forward-auth', text('forward-auth'), errors)
  const app = readApp(text('app'), errors)
  const host = readHost(text('host'), errors)
  const ofTokens = resources.flatMap((one) => readResource(one, host, errors))
  const isCaseSensitive = flags.has('case-sensitive')
  const rules = readPolicies(policies, ofTokens, { isCaseSensitive, sendsUser: texts.identity !== undefined }, errors)
  const outgoing = readOutgoing(texts.identity, flags, allPolicies(rules), errors)
  if (flags.has('https') && texts.listen !== undefined) {
    errors.push('--https listens on ports 80 and 443: leave --listen out')
  }
  if (flags.has('public')) errors.push(...publicProblems(rules, resources))
  return Object.freeze({
    listen: readListen(text('listen'), errors),
    https: flags.has('https'),
    forwardAuth,
    grpc: readListen(text('grpc'), errors, '--grpc'),
    app,
    host,
    ...rules,
    isCaseSensitive,
    resources: [...new Set(ofTokens.map(({ uri }) => uri))],
    outgoing,
    stripped: strippedBeside(outgoing),
    login: !flags.has('no-login'),
    isPublic: flags.has('public')
  })
}

function publicProblems ({ policy, routes }: Rules, resources: readonly GivenResource[]): readonly string[] {
  return [
    policy === '' ? '' : '--public leaves the rest open, but --policy /=QUERY protects it: choose one',
    resources.length === 0
      ? ''
      : '--public cannot be combined with --resource: a path that an app reads differently would be unprotected',
    routes.length > 0 ? '' : '--public protects nothing without --policy /path=QUERY'
  ].filter((problem) => problem !== '')
}
