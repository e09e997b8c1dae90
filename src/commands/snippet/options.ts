import { isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import { quote } from '../../config/kind.ts'
import { didYouMean } from '../../config/unknown.ts'
import { listenAddress } from '../../config/parsers/hosts.ts'
import { parseHost } from '../cert/options.ts'
import { readOutgoing, strippedBeside } from './outgoing.ts'
import { addScope, type GivenResource, readResource } from './resources.ts'
import { readPolicies } from './routes.ts'
import { type Address, allPolicies, type Settings } from './settings.ts'

type Url = Settings['forwardAuth']

/** What stands in for a value that is wrong: with an error nothing is ever made of it. */
const NOWHERE: Address = Object.freeze({ host: '', port: 0, text: '' })
const PORTS = { http: '80', https: '443' } as const

/** A name or an address and a port, and not one character more. */
function readListen (text: string, errors: string[], option = '--listen'): Address {
  const read = listenAddress.parse(text, () => '')
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
    scheme === undefined ? undefined : listenAddress.parse(`${host}:${port ?? PORTS[tls ? 'https' : 'http']}`, () => '')
  if (read?.kind !== 'parsed' || read.value.kind !== 'tcp' || read.value.port === 0) {
    errors.push(`${option} ${quote(text)} must be http://host:port or https://host:port, with nothing behind it`)
    return { ...NOWHERE, tls, origin: '' }
  }
  const address = addressOf(read.value.host, read.value.port)
  return { ...address, tls, origin: `${tls ? 'https' : 'http'}://${address.text}` }
}

const readAddress = ({ host, port, text }: Url): Address => ({ host, port, text })

function readHost (text: string, errors: string[]): string {
  const host = parseHost(text)
  if (host?.kind === 'dns') return host.value
  errors.push(`--host ${quote(text)} must be the one DNS name that clients use (no port, no wildcard)`)
  return ''
}

function addressOf (host: string, port: number): Address {
  return { host, port, text: `${isIPv6(host) ? `[${host}]` : host}:${port}` }
}

type SnippetOptions<Name extends string> = Readonly<{
  proxy: Name
  out: string | undefined
  /** Files that are there may be overwritten. */
  isForced: boolean
  settings: Settings
}>

export type OptionsReading<Name extends string> = Readonly<
  { kind: 'options', options: SnippetOptions<Name> } | { kind: 'help' } | { kind: 'errors', errors: readonly string[] }
>

const TEXTS = {
  out: '',
  listen: '0.0.0.0:8080',
  'forward-auth': 'http://forward-auth:4180',
  grpc: 'forward-auth:4183',
  app: 'http://app:8080',
  host: 'app.example.com',
  identity: ''
} as const
/** Of a service, whose address is `http://NAME:8080`. */
const PLAIN_NAME = /^[a-z0-9-]+$/
/** Former names, which still work. */
const ALIASES: Readonly<Record<string, string>> = { adapter: 'forward-auth' }
type TextName = keyof typeof TEXTS

const OPTIONS = {
  out: { type: 'string' },
  listen: { type: 'string' },
  'forward-auth': { type: 'string' },
  adapter: { type: 'string' },
  grpc: { type: 'string' },
  app: { type: 'string' },
  host: { type: 'string' },
  policy: { type: 'string' },
  resource: { type: 'string' },
  scope: { type: 'string' },
  identity: { type: 'string' },
  assertion: { type: 'boolean' },
  events: { type: 'boolean' },
  'case-sensitive': { type: 'boolean' },
  login: { type: 'boolean' },
  public: { type: 'boolean' },
  force: { type: 'boolean' },
  help: { type: 'boolean' }
} as const

/** The command line of `snippet`; all that is wrong with it at once. */
export function readOptions<Name extends string> (
  args: readonly string[], proxies: readonly Name[]
): OptionsReading<Name> {
  const errors: string[] = []
  const texts: Partial<Record<TextName, string>> = {}
  const policies: string[] = []
  const resources: GivenResource[] = []
  const positionals: string[] = []
  const flags = new Set<string>()
  for (const token of parseArgs({
    args: [...args],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true
  }).tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const name = ALIASES[token.name] ?? token.name
    const problem = problemOf(name, token.value, texts)
    if (problem !== undefined) errors.push(problem)
    else if (name === 'policy') policies.push(token.value ?? '')
    else if (name === 'resource') resources.push({ text: token.value ?? '', scopes: [] })
    else if (name === 'scope') addScope(resources.at(-1), token.value ?? '', errors)
    else if (isText(name)) texts[name] = token.value ?? ''
    else flags.add(name)
  }
  if (flags.has('help')) return { kind: 'help' }
  const proxy = proxyOf(positionals, proxies, errors)
  const settings = settingsOf(texts, { policies, resources, flags }, errors)
  return errors.length > 0 || proxy === undefined
    ? { kind: 'errors', errors }
    : { kind: 'options', options: Object.freeze({ proxy, out: texts.out, isForced: flags.has('force'), settings }) }
}

const isText = (name: string): name is TextName => name in TEXTS

function problemOf (
  name: string,
  value: string | undefined,
  seen: Partial<Record<TextName, string>>
): string | undefined {
  if (!(name in OPTIONS)) {
    return `there is no option --${name.slice(0, 40)}${didYouMean(name, Object.keys(OPTIONS))}`
  }
  const takesText = isText(name) || name === 'policy' || name === 'resource' || name === 'scope'
  if (!takesText) return value === undefined ? undefined : `--${name} takes no value`
  if (value === undefined || value === '' || value.startsWith('--')) return `--${name} needs a value`
  return isText(name) && seen[name] !== undefined ? `--${name} is there twice` : undefined
}

function proxyOf<Name extends string> (
  [text, ...more]: readonly string[], known: readonly Name[], errors: string[]
): Name | undefined {
  const proxy = known.find((name) => name === text)
  const problem = text === undefined
    ? 'which proxy?'
    : `there is no configuration for ${quote(text)}${didYouMean(text, known) || '.'}`
  if (proxy === undefined) errors.push(`${problem} One of ${known.join(', ')}`)
  if (more.length > 0) errors.push(`one proxy at a time: what is ${more.map(quote).join(' ')}?`)
  return proxy
}

function settingsOf (
  texts: Partial<Record<TextName, string>>,
  { policies, resources, flags }: Readonly<{
    policies: readonly string[]
    resources: readonly GivenResource[]
    flags: ReadonlySet<string>
  }>,
  errors: string[]
): Settings {
  const text = (name: TextName): string => texts[name] ?? TEXTS[name]
  const [forwardAuth, app] = [
    readUrl('--forward-auth', text('forward-auth'), errors),
    readUrl('--app', text('app').replace(PLAIN_NAME, 'http://$&:8080'), errors)
  ]
  if (app.tls) errors.push('--app must be http:// here: add TLS to the app to the finished configuration yourself')
  const host = readHost(text('host'), errors)
  const ofTokens = resources.flatMap((one) => readResource(one, host, errors))
  const isCaseSensitive = flags.has('case-sensitive')
  const rules = readPolicies(policies, ofTokens, { isCaseSensitive }, errors)
  const given = {
    text: texts.identity,
    assertion: flags.has('assertion'),
    events: flags.has('events'),
    policies: allPolicies(rules).map(({ policy }) => policy)
  }
  const outgoing = readOutgoing(given, errors)
  const isPublic = flags.has('public')
  if (isPublic && rules.policy !== '') errors.push('--public asks nothing of the rest, and --policy /=QUERY does')
  if (isPublic && resources.length > 0) {
    errors.push('--public cannot be beside --resource: what some app reads as the path of the tokens would ask nobody')
  }
  if (isPublic && rules.routes.length === 0) errors.push('--public protects nothing without --policy /path=QUERY')
  return Object.freeze({
    listen: readListen(text('listen'), errors),
    forwardAuth,
    grpc: readListen(text('grpc'), errors, '--grpc'),
    app: readAddress(app),
    host,
    ...rules,
    isCaseSensitive,
    resources: [...new Set(ofTokens.map(({ uri }) => uri))],
    outgoing,
    stripped: strippedBeside(outgoing),
    login: flags.has('login'),
    isPublic
  })
}
