import { quote } from '../../base/config/kind.ts'
import { partsOf, SIGN_IN_SCOPES } from '../../base/core/protected-resource.ts'
import { pathProblem } from './paths.ts'

/** One `--resource` with the `--scope`s behind it. */
export type GivenResource = Readonly<{ text: string, scopes: string[] }>

/** The rule of a route for resource tokens. */
export type ResourceRule = Readonly<{ uri: string, path: string, policy: string }>

/** Characters that no proxy's file gives a meaning to: a resource with others needs a configuration by hand. */
const URI = /^https:\/\/[a-z0-9.-]+(?::[0-9]+)?(?:\/[A-Za-z0-9._~-]+)*\/?$/
const SCOPES = /^[A-Za-z0-9:._/-]+(?:,[A-Za-z0-9:._/-]+)*$/
/** It is meant that a token without any scope passes. */
const NO_SCOPE = 'none'

export function addScope (resource: GivenResource | undefined, text: string, errors: string[]): void {
  if (resource === undefined) errors.push(`--scope ${quote(text)} belongs behind the --resource that needs it`)
  else if (SCOPES.test(text)) resource.scopes.push(text)
  else errors.push(`--scope ${quote(text)} must be a scope, or several of which one is enough: a,b`)
}

/** `URI` or `URI=/path`; without a path it is everything on this host. */
export function readResource (
  { text, scopes }: GivenResource,
  host: string,
  errors: string[]
): readonly ResourceRule[] {
  const [uri = '', path = '/', ...more] = text.split('=')
  const problem = problemOf(uri, path, host, scopes) ?? (more.length > 0 ? 'has two paths' : undefined)
  if (problem !== undefined) {
    errors.push(`--resource ${quote(text)} ${problem}`)
    return []
  }
  const asked = scopes.filter((scope) => scope !== NO_SCOPE).map((scope) => `scope=${scope}`)
  return [{ uri, path, policy: [`resource=${uri}`, ...asked].join('&') }]
}

function problemOf (uri: string, path: string, host: string, scopes: readonly string[]): string | undefined {
  if (!URI.test(uri)) return 'must begin with https://, and hold letters, digits and "-._~/" only'
  if (host !== '' && partsOf(uri).host.replace(/:443$/, '') !== host) {
    return `is not on --host ${host}: a client looks for what it needs on the resource's own host`
  }
  const problem = path === '/' ? undefined : pathProblem(path)
  if (problem !== undefined) {
    return `has a path that may not be one: ${problem}; write URI=/path, without a slash at its end`
  }
  if (scopes.length === 0) {
    return 'needs --scope NAME: a client without any scope has a valid token too; --scope none if that is meant'
  }
  const ofSigningIn = scopes.flatMap((text) => text.split(',')).find((scope) => SIGN_IN_SCOPES.includes(scope))
  if (ofSigningIn !== undefined) {
    return `needs no --scope ${ofSigningIn}: no machine's token has it. ` +
      'Write it behind the resource in the environment of the service, so that clients ask for it'
  }
  return scopes.includes(NO_SCOPE) && scopes.length > 1 ? 'has --scope none beside a scope' : undefined
}
