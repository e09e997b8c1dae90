import { parseArgs } from 'node:util'
import { quote } from '../../config/quote.ts'
import { readAddress, readHost, readListen, readUrl } from './addresses.ts'
import { readPolicies } from './policies.ts'
import type { Settings } from './settings.ts'

export type SnippetOptions = Readonly<{ proxy: string, out: string | undefined, settings: Settings }>

export type Reading = Readonly<{ kind: 'options', options: SnippetOptions } | { kind: 'help' } | { kind: 'errors', errors: readonly string[] }>

const TEXTS = { out: '', listen: '0.0.0.0:8080', adapter: 'http://forward-auth:4180', app: 'http://app:8080', host: 'app.example.com' } as const
type TextName = keyof typeof TEXTS

const OPTIONS = {
  out: { type: 'string' },
  listen: { type: 'string' },
  adapter: { type: 'string' },
  app: { type: 'string' },
  host: { type: 'string' },
  policy: { type: 'string' },
  login: { type: 'boolean' },
  help: { type: 'boolean' }
} as const

/** The command line of `snippet`; all that is wrong with it at once. */
export function readOptions (args: readonly string[], proxies: readonly string[]): Reading {
  const errors: string[] = []
  const texts: Partial<Record<TextName, string>> = {}
  const policies: string[] = []
  const positionals: string[] = []
  const flags = new Set<string>()
  for (const token of parseArgs({ args: [...args], options: OPTIONS, strict: false, allowPositionals: true, tokens: true }).tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const problem = problemOf(token.name, token.value, texts)
    if (problem !== undefined) errors.push(problem)
    else if (token.name === 'policy') policies.push(token.value ?? '')
    else if (isText(token.name)) texts[token.name] = token.value ?? ''
    else flags.add(token.name)
  }
  if (flags.has('help')) return { kind: 'help' }
  const proxy = proxyOf(positionals, proxies, errors)
  const settings = settingsOf(texts, policies, flags.has('login'), errors)
  return errors.length > 0 ? { kind: 'errors', errors } : { kind: 'options', options: Object.freeze({ proxy, out: texts.out, settings }) }
}

const isText = (name: string): name is TextName => name in TEXTS

function problemOf (name: string, value: string | undefined, seen: Partial<Record<TextName, string>>): string | undefined {
  if (!(name in OPTIONS)) return `there is no option --${name.slice(0, 40)}`
  const takesText = isText(name) || name === 'policy'
  if (!takesText) return value === undefined ? undefined : `--${name} takes no value`
  if (value === undefined || value === '' || value.startsWith('--')) return `--${name} needs a value`
  return isText(name) && seen[name] !== undefined ? `--${name} is there twice` : undefined
}

function proxyOf ([proxy, ...more]: readonly string[], known: readonly string[], errors: string[]): string {
  const problem = proxy === undefined
    ? 'which proxy?'
    : !known.includes(proxy) ? `there is no configuration for ${quote(proxy)}` : undefined
  if (problem !== undefined) errors.push(`${problem} One of ${known.join(', ')}`)
  if (more.length > 0) errors.push(`one proxy at a time: what is ${more.map(quote).join(' ')}?`)
  return proxy ?? ''
}

function settingsOf (texts: Partial<Record<TextName, string>>, policies: readonly string[], login: boolean, errors: string[]): Settings {
  const text = (name: TextName): string => texts[name] ?? TEXTS[name]
  const [adapter, app] = [readUrl('--adapter', text('adapter'), errors), readUrl('--app', text('app'), errors)]
  if (app.tls) errors.push('--app must be http:// here: add TLS to the app to the finished configuration yourself')
  return Object.freeze({
    listen: readListen(text('listen'), errors),
    adapter,
    app: readAddress(app),
    host: readHost(text('host'), errors),
    ...readPolicies(policies, errors),
    login
  })
}
