import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { readOptions } from '../../src/commands/snippet/options.ts'
import { PROXIES, templateOf } from '../../src/commands/snippet/proxies.ts'
import { startInProcess, type InProcess, type InProcessOptions } from './in-process.ts'
import { ask, type Answer, type HeaderLine } from './request.ts'
import { startSimulator } from './simulator.ts'

/** Gateway API's filter ExternalAuth, as its field `http` says in apis/v1/httproute_types.go. */
export type Filter = Readonly<{
  path: string
  allowedHeaders: readonly string[]
  allowedResponseHeaders: readonly string[]
}>

/** What a check's request depends on. */
export type Asking = Pick<Filter, 'path' | 'allowedHeaders'>

export const ALLOWED = ['Cookie', 'Accept', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'X-Requested-With']
export const filterOf = (policy: string): Asking => ({ path: `/ext-authz/~${policy}`, allowedHeaders: ALLOWED })

export const cookieOf = ({ cookie }: Readonly<{ cookie: string }>): HeaderLine => ['Cookie', `session=${cookie}`]

/** As the page and the chart say. */
export const AS_SHIPPED: Partial<InProcessOptions> = { EXT_AUTHZ_POLICY: 'required', EXT_AUTHZ_LOCATION: 'request' }

export async function startShipped (t: Test, options: Partial<InProcessOptions> = {}): Promise<InProcess> {
  const simulator = await startSimulator(t)
  return await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...AS_SHIPPED, ...options })
}

export type ClientRequest = Readonly<{
  method?: string
  host?: string
  path: string
  headers?: readonly HeaderLine[]
}>

/** "The following headers must always be sent": Host, method, path and Content-Length stand in the request itself. */
const ALWAYS = ['authorization']

/**
 * The request that the specification's words make of a client's: "the prefix that paths from the client request will
 * have added"; "what additional headers from the client request will be sent"; "Content-Length must be 0".
 */
export async function askAsGateway (
  port: number,
  filter: Asking,
  { method = 'GET', host = 'app.example.com', path, headers = [] }: ClientRequest
): Promise<Answer> {
  const allowed = new Set([...ALWAYS, ...filter.allowedHeaders.map((name) => name.toLowerCase())])
  const sent = headers.filter(([name]) => allowed.has(name.toLowerCase()))
  return ask(port, { method, host, path: filter.path + path, headers: [...sent, ['Content-Length', '0']] })
}

type Match = Readonly<{ path: { type: 'PathPrefix' | 'RegularExpression' | 'Exact', value: string } }>
type RouteFilter = Readonly<{
  requestHeaderModifier?: { remove: readonly string[] }
  externalAuth?: { http: Filter }
}>
export type Rule = Readonly<{ matches: readonly Match[], filters?: readonly RouteFilter[], backendRefs?: unknown }>

/** All rules of the routes that `snippet` writes with these options. */
export function writtenRules (...args: readonly string[]): readonly Rule[] {
  const reading = readOptions(['gateway-api-external-auth', ...args], PROXIES)
  if (reading.kind !== 'options') throw new Error(JSON.stringify(reading))
  const text = templateOf('gateway-api-external-auth')(reading.options.settings)['httproute.yaml'] ?? ''
  const routes = parseAllDocuments(text).map((one) => one.toJS() as { spec: { rules: readonly Rule[] } })
  return routes.flatMap(({ spec }) => spec.rules)
}

/** What reached the app, or what the client got. */
export type Outcome =
  | Readonly<{ kind: 'app', headers: readonly HeaderLine[] }>
  | Readonly<{ kind: 'refused', status: number }>

/** A gateway on these rules, which tries the longest match first, with expressions or without. */
export function createGateway (
  port: number,
  rules: readonly Rule[],
  knowsExpressions: boolean
): (client: ClientRequest) => Promise<Outcome> {
  return async (client) => {
    const rule = ruleFor(rules, client.path, knowsExpressions)
    if (rule === undefined) return { kind: 'refused', status: 404 }
    if (rule.backendRefs === undefined) return { kind: 'refused', status: 500 }
    const filters = rule.filters ?? []
    const removed = new Set(filters.flatMap(({ requestHeaderModifier: one }) => one?.remove ?? []).map(lower))
    const kept = (client.headers ?? []).filter(([name]) => !removed.has(name.toLowerCase()))
    const filter = filters.find(({ externalAuth }) => externalAuth !== undefined)?.externalAuth?.http
    if (filter === undefined) return { kind: 'app', headers: kept }
    const { status, headers } = await askAsGateway(port, filter, client)
    // "must respond with a `200` status code … Any other code is considered an authorization failure"
    return status === 200
      ? { kind: 'app', headers: copied(kept, filter.allowedResponseHeaders, headers) }
      : { kind: 'refused', status }
  }
}

const lower = (text: string): string => text.toLowerCase()

function ruleFor (rules: readonly Rule[], path: string, knowsExpressions: boolean): Rule | undefined {
  const [bare = ''] = path.split('?')
  const fitting = rules.flatMap((rule) =>
    rule.matches.filter((match) => fits(match, bare, knowsExpressions)).map(({ path: { value } }) => ({ rule, value })))
  return fitting.toSorted((a, b) => b.value.length - a.value.length)[0]?.rule
}

function fits ({ path: { type, value } }: Match, path: string, knowsExpressions: boolean): boolean {
  switch (type) {
    case 'Exact': return path === value
    case 'PathPrefix': return path === value || path.startsWith(value.endsWith('/') ? value : `${value}/`)
    case 'RegularExpression': return knowsExpressions && new RegExp(value.replace('(?i)', ''), 'i').test(path)
  }
}

/** Each name that was given takes the place of the client's lines. */
function copied (client: readonly HeaderLine[], names: readonly string[], answer: Answer['headers']): HeaderLine[] {
  const given = names.flatMap((name): HeaderLine[] => {
    const value = answer[name.toLowerCase()]
    return typeof value === 'string' ? [[name, value]] : []
  })
  const replaced = new Set(given.map(([name]) => name.toLowerCase()))
  return [...client.filter(([name]) => !replaced.has(name.toLowerCase())), ...given]
}
