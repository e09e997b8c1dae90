import { SCOPE } from '../../base/core/requirement.ts'
import { type Kind, parsed, type Parsed, problem, quote } from '../../base/config/kind.ts'

/** An entry of RESOURCES: an API or MCP server whose tokens Authgear issues. */
export type Resource = Readonly<{
  /** Exactly as it is registered at Authgear: nothing is normalised. */
  uri: string
  /** The scopes that its metadata offers; a route says which it needs. */
  scopes: readonly string[]
  name: string | undefined
  /** A page for developers. */
  documentation: string | undefined
}>

const MAX_RESOURCES = 100
const FIELDS: ReadonlySet<string> = new Set(['uri', 'scopes', 'name', 'documentation'])
/** Authgear gives these a meaning of its own: no resource can have them. Those of SIGN_IN_SCOPES may be named. */
const RESERVED: ReadonlySet<string> = new Set(['profile', 'email', 'address', 'phone', 'device_sso'])
const CHARACTERS = /^[\x21\x24-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7a\x7e]+$/

/** APIs and MCP servers whose tokens Authgear issues, as they are registered there. */
export const resources: Kind<readonly Resource[]> = Object.freeze({
  accepts: '`https://` URIs separated by white space, each alone or as `URI#scope,scope`; or JSON',
  parse: (text: string) => {
    const entries = text.trim().startsWith('[') ? fromJson(text) : text.trim().split(/\s+/).map(fromText)
    if (!Array.isArray(entries)) return entries as Parsed<never>
    const problems = entries.flatMap(problemsOf)
    const uris = entries.map(({ uri }) => uri)
    const twice = uris.find((uri, index) => uris.indexOf(uri) !== index)
    if (twice !== undefined) problems.push(`${quote(twice)} is listed twice`)
    if (entries.length > MAX_RESOURCES) problems.push(`has more than ${MAX_RESOURCES} entries`)
    return problems.length === 0 ? parsed(entries, entries.map(asText).join(' ')) : problem(problems.join('; '))
  }
})

const asText = ({ uri, scopes }: Resource): string => scopes.length === 0 ? uri : `${uri}#${scopes.join(',')}`

function fromText (entry: string): Resource {
  const hash = entry.indexOf('#')
  const [uri, scopes] = hash === -1 ? [entry, ''] : [entry.slice(0, hash), entry.slice(hash + 1)]
  return { uri, scopes: scopes === '' ? [] : scopes.split(','), name: undefined, documentation: undefined }
}

function fromJson (text: string): readonly Resource[] | Parsed<never> {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return problem('begins with [ and is no JSON')
  }
  const rows = (Array.isArray(list) ? list : []).map(fromObject)
  const wrong = rows.findIndex((row) => row === undefined)
  if (wrong !== -1) {
    return problem(
      `entry ${wrong + 1} must be {"uri": "https://…", "scopes": ["…"], "name": "…", "documentation": "https://…"}; ` +
        'only uri is required, and nothing else is known'
    )
  }
  return rows.length === 0 ? problem('names no resource') : rows as readonly Resource[]
}

function fromObject (row: unknown): Resource | undefined {
  if (typeof row !== 'object' || row === null || Object.keys(row).some((key) => !FIELDS.has(key))) return undefined
  const { uri, scopes = [], name, documentation } = row as Readonly<Record<string, unknown>>
  const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'
  if (typeof uri !== 'string' || !Array.isArray(scopes) || !scopes.every((one) => typeof one === 'string')) {
    return undefined
  }
  return isText(name) && isText(documentation) ? { uri, scopes, name, documentation } : undefined
}

function problemsOf ({ uri, scopes, documentation }: Resource): string[] {
  const wrongScope = scopes.find((scope) => !SCOPE.test(scope))
  const reserved = scopes.find((scope) => RESERVED.has(scope) || scope.startsWith('https://authgear.com/scopes/'))
  const problems = [
    problemOfUri(uri),
    wrongScope !== undefined && `${quote(wrongScope)} is no scope: a scope has no space, comma, quote or backslash`,
    reserved !== undefined && `${quote(reserved)} is a scope of OpenID Connect's or Authgear's own: no resource has it`,
    documentation !== undefined && !/^https?:\/\/[!-~]+$/.test(documentation) &&
      `${quote(documentation)} is no address of a page: documentation begins with https://`
  ]
  return problems.filter((text) => typeof text === 'string')
}

function problemOfUri (uri: string): string | false {
  if (!uri.startsWith('https://')) return `${quote(uri)} must begin with https://, as Authgear asks`
  if (uri.includes('?') || uri.includes('#')) return `${quote(uri)} must have no query and no fragment`
  if (uri.includes('@')) return `${quote(uri)} must carry no user name`
  if (!CHARACTERS.test(uri) || !URL.canParse(uri) || !isHostAsWritten(uri)) {
    return `${quote(uri)} is no URI with a host name in lower case: nothing is normalised`
  }
  return false
}

function isHostAsWritten (uri: string): boolean {
  const written = /^https:\/\/([^/]*)/.exec(uri)?.[1]?.replace(/:443$/, '')
  return written !== undefined && written !== '' && new URL(uri).host === written
}
