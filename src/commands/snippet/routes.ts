import { quote } from '../../base/config/kind.ts'
import { didYouMean } from '../../base/config/unknown.ts'
import { parsePolicy } from '../../base/core/policy.ts'
import { PARAMETERS } from '../../base/core/requirement.ts'
import { presentationOf } from '../../base/core/presentation.ts'
import { asksSessions, basicProblems, parametersOf, PRESENTS, withoutOffers } from './basic.ts'
import { isBelow, pathProblem } from './paths.ts'
import { both, isForTokens, type Route, type Settings } from './settings.ts'

type Rule = Readonly<{ path: string, policy: string }>
/** The policies by route. */
export type Rules = Pick<Settings, 'policy' | 'routes'>

/**
 * Each `/path=QUERY`; `/` is the catch-all. A route's policy holds those of all routes that it lies in, since proxies
 * apply one only.
 */
export function readPolicies (
  texts: readonly string[],
  ofTokens: readonly Rule[],
  { isCaseSensitive, sendsUser = false }: Pick<Settings, 'isCaseSensitive'> & Readonly<{ sendsUser?: boolean }>,
  errors: string[]
): Rules {
  const cased = (rule: Rule): Rule => isCaseSensitive ? rule : { ...rule, path: rule.path.toLowerCase() }
  const rules = [...texts.flatMap((text) => readRule(text, errors)), ...ofTokens].map(cased)
  const routes = [...routesOf(rules, true), ...routesOf(rules, false)].toSorted(longestFirst)
  const read = { policy: policyOf(rules, '/'), routes: named(routes, nameOfPath, '-') }
  errors.push(
    ...nestedCalls(rules),
    ...rules.flatMap((rule) => basicProblems(rule, policyOf(rules, rule.path), sendsUser)),
    ...[{ path: '/', policy: read.policy }, ...read.routes].flatMap(contradictions)
  )
  return read
}

function asksCall (text: string): boolean {
  const policy = parsePolicy(text)
  return policy.kind === 'understood' && policy.asksCall === true
}

/** Joined into one text, lists of calls of two routes would allow what either does. */
function nestedCalls (rules: readonly Rule[]): readonly string[] {
  const all = rules.filter(({ policy }) => asksCall(policy))
  return all.flatMap(({ path }) => all
    .filter((outer) => outer.path !== path && isBelow(path, { path: outer.path, isOfTokens: false }))
    .map((outer) => `--policy ${quote(path)} lies in ${quote(outer.path)}, and both have rules by tool: ` +
      `give it a path beside that one, such as ${quote(path.replace(/\/([^/]*)$/, '-$1'))}`))
}

/** A path may have two: one for tokens, and one for what is the same path to some apps only (paths.ts). */
function routesOf (rules: readonly Rule[], isOfTokens: boolean): ReadonlyArray<Omit<Route, 'name'>> {
  const own = rules.filter(({ path, policy }) =>
    path !== '/' && isForTokens(policy) === isOfTokens && asksSessions(policy))
  return [...new Set(own.map(({ path }) => path))].map((path) => {
    const others = rules.filter((rule) => isOfTokens || rule.path !== path || !isForTokens(rule.policy))
    return { path, isOfTokens, policy: withoutOffers(policyOf(others, path)) }
  })
}

const policyOf = (rules: readonly Rule[], path: string): string =>
  rules
    .filter((rule) => isBelow(path, { path: rule.path, isOfTokens: isForTokens(rule.policy) }))
    .toSorted((a, b) => a.path.length - b.path.length)
    .reduce<readonly Rule[]>((outer, rule) => [...outer.map((one) => overridden(one, rule)), rule], [])
    .reduce((all, { policy }) => both(all, policy), '')

function overridden (outer: Rule, { path, policy }: Rule): Rule {
  if (outer.path === path) return outer
  const chosen = PRESENTS.filter((name) => parametersOf(policy).some((one) => one.startsWith(name)))
  const kept = parametersOf(outer.policy).filter((one) => !chosen.some((name) => one.startsWith(name)))
  return { ...outer, policy: kept.join('&') }
}

const nameOf = (parameter: string): string => parameter.replace(/=.*$/s, '')

function contradictions ({ path, policy }: Rule): readonly string[] {
  const all = parsePolicy(policy)
  if (all.kind === 'bad') return [`--policy ${quote(path)}, with those of the paths above it: ${all.why}`]
  const presentation = presentationOf(all)
  return (['identity', 'audience'] as const)
    .filter((name) => presentation[name].kind === 'contradiction')
    .map((name) => `--policy ${quote(path)} has two values of ${name}=: its app would get none`)
}

function readRule (text: string, errors: string[]): readonly Rule[] {
  const equals = text.indexOf('=')
  const [path, policy] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)]
  const problem = problemOf(path) ?? policyProblem(policy)
  // decoded: "%" has a meaning in files of Envoy and HAProxy; what has parsed decodes to letters, digits and "_.:,+@-"
  if (problem === undefined) return [{ path, policy: decodeURIComponent(policy) }]
  errors.push(`--policy ${quote(text)}: ${problem}`)
  return []
}

function problemOf (path: string): string | undefined {
  if (!path.startsWith('/')) return 'write /path=QUERY, such as /admin=role=admin, or /=QUERY for everything'
  if (path === '/') return undefined
  return path.endsWith('/') ? `write ${quote(path.slice(0, -1))}: it is that path and all below it` : pathProblem(path)
}

function policyProblem (text: string): string | undefined {
  if (text === '') return 'it asks nothing'
  const policy = parsePolicy(text)
  if (policy.kind !== 'bad') return plainProblem(text)
  const unknown = text.split('&').map(nameOf).find((name) => !(name in PARAMETERS))
  const meant = unknown === undefined ? '' : didYouMean(unknown, Object.keys(PARAMETERS))
  return `${policy.why}${meant} (docs/policies.md)`
}

const ADDRESS = 'in a route an address has A-Z, a-z, 0-9 and ._+-@ alone: write others into ALLOW, or its user as ' +
  'user=ID, and a domain as xn--… (docs/policies.md)'
const CALL = 'in a route a tool, a prompt and a URI have A-Z, a-z, 0-9 and ._+-@:/ alone'

/** What would not be itself in each proxy's file. */
function plainProblem (text: string): string | undefined {
  const parameters = text.split('&').map((parameter) => decodeURIComponent(parameter))
  if (parameters.some((one) => /^(?:email|email_domain|group)=.*[^\w.:,=+@-]/s.test(one))) return ADDRESS
  return parameters.some((one) => /^(?:tool|tool_scope|prompt|resource_uri)=.*[^\w.:,=+@/-]/s.test(one)) ? CALL : undefined
}

/** Longest path first; of two with one path that for tokens, which takes less. */
const longestFirst = (a: Pick<Route, 'path'>, b: Pick<Route, 'path'>): number =>
  b.path.length - a.path.length || (a.path === b.path ? 0 : a.path < b.path ? -1 : 1)

/** A name of letters, digits and dashes. */
const nameOfPath = ({ path }: Pick<Route, 'path'>): string =>
  `app-${path.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'route'}`

/** Gives each route a name that no other has. @param joint between a name that is taken and its number */
export function named<T extends object> (
  routes: readonly T[], baseOf: (route: T) => string, joint: string
): ReadonlyArray<T & Readonly<{ name: string }>> {
  const taken = new Set<string>()
  return routes.map((route) => {
    const base = baseOf(route)
    let name = base
    for (let i = 2; taken.has(name); i++) name = `${base}${joint}${i}`
    taken.add(name)
    return { ...route, name }
  })
}
