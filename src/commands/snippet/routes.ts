import { quote } from '../../config/messages.ts'
import { parsePolicy } from '../../core/policy.ts'
import { presentationOf } from '../../core/presentation.ts'
import { both, type Route, type Settings } from './settings.ts'

export type Rule = Readonly<{ path: string, policy: string }>

/** Of a segment: what no proxy decodes, cleans, or reads as a pattern (the dot is escaped where it would be one). */
const PATH = /^(?:\/[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)+$/

/**
 * Each `/path=QUERY`; `/` is the catch-all. A route's policy holds those of all routes that it lies in, since proxies
 * apply one only.
 */
export function readPolicies (
  texts: readonly string[],
  ofTokens: readonly Rule[],
  errors: string[]
): Pick<Settings, 'policy' | 'routes'> {
  const rules = [...texts.flatMap(text => readRule(text, errors)), ...ofTokens]
  const paths = [...new Set(rules.map(({ path }) => path))].filter(path => path !== '/').toSorted(longestFirst)
  const policyOf = (path: string): string =>
    rules
      .filter((rule) => path.startsWith(rule.path))
      .toSorted((a, b) => a.path.length - b.path.length)
      .reduce<readonly Rule[]>((outer, rule) => [...outer.map((one) => overridden(one, rule)), rule], [])
      .reduce((all, { policy }) => both(all, policy), '')
  const read = { policy: policyOf('/'), routes: named(paths.map(path => ({ path, policy: policyOf(path) }))) }
  errors.push(...[{ path: '/', policy: read.policy }, ...read.routes].flatMap(contradictions))
  return read
}

/** What goes out is chosen by the innermost route, unlike what is asked: two different sets would be none. */
function overridden (outer: Rule, { path, policy }: Rule): Rule {
  if (outer.path === path) return outer
  const chosen = PRESENTS.filter((name) => parametersOf(policy).some((one) => one.startsWith(name)))
  const kept = parametersOf(outer.policy).filter((one) => !chosen.some((name) => one.startsWith(name)))
  return { ...outer, policy: kept.join('&') }
}

const PRESENTS = ['identity=', 'audience='] as const
const parametersOf = (policy: string): readonly string[] => policy.split('&')

function contradictions ({ path, policy }: Rule): readonly string[] {
  const presentation = presentationOf(parsePolicy(policy))
  return (['identity', 'audience'] as const)
    .filter((name) => presentation[name].kind === 'contradiction')
    .map((name) => `--policy ${quote(path)} has two values of ${name}=: its app would get none`)
}

function readRule (text: string, errors: string[]): readonly Rule[] {
  const equals = text.indexOf('=')
  const [path, policy] = [text.slice(0, Math.max(equals, 0)).toLowerCase(), text.slice(equals + 1)]
  const problem = pathProblem(path) ?? policyProblem(policy)
  // decoded: "%" has a meaning in files of Envoy and HAProxy; what has parsed decodes to letters, digits and "_.:,-"
  if (problem === undefined) return [{ path, policy: decodeURIComponent(policy) }]
  errors.push(`--policy ${quote(text)}: ${problem}`)
  return []
}

function pathProblem (path: string): string | undefined {
  if (!path.startsWith('/')) return 'write /path=QUERY, such as /admin=role=admin, or /=QUERY for everything'
  if (path === '/') return undefined
  if (path.endsWith('/')) {
    return `write ${quote(path.slice(0, -1))}, which begins ${quote(path)} too; with the slash the path without it ` +
      'would be left out'
  }
  return PATH.test(path) ? undefined : 'a path may hold letters, digits, "-", "_", and dots within a name'
}

function policyProblem (text: string): string | undefined {
  if (text === '') return 'it asks nothing'
  const policy = parsePolicy(text)
  return policy.kind === 'bad' ? `${policy.why} (docs/policies.md)` : undefined
}

const longestFirst = (a: string, b: string): number => b.length - a.length || (a < b ? -1 : 1)

/** Names of letters, digits and dashes, each once. */
function named (rules: readonly Rule[]): readonly Route[] {
  const taken = new Set<string>()
  return rules.map(({ path, policy }) => {
    const base = `app-${path.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'route'}`
    let name = base
    for (let i = 2; taken.has(name); i++) name = `${base}-${i}`
    taken.add(name)
    return { name, path, policy }
  })
}
