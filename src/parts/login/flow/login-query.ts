/** The query of `/login`: `[max_age=N&][ui_locales=…&]rd=…`. */
export type LoginQuery = Readonly<{
  /** All that follows `rd=`, as it arrived: an address has ampersands of its own. */
  returnTo: string | undefined
  /** Seconds: a step-up. */
  maxAge: number | undefined
  /** BCP 47 tags, separated by blanks. */
  locales: string | undefined
}>

/** A parameter that is there exactly once. */
export function onlyOf (query: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = query.getAll(name)
  return others.length === 0 ? value : undefined
}

const SECONDS = /^(?:0|[1-9][0-9]{0,8})$/
const LOCALES = /^[A-Za-z0-9-]{2,35}(?:(?:\+|%20)[A-Za-z0-9-]{2,35}){0,9}$/

/** @param query as it arrived, without its question mark; what is not known, or has no sense, counts as not sent */
export function readLoginQuery (query: string): LoginQuery {
  const at = query.startsWith('rd=') ? 0 : query.indexOf('&rd=') + 1
  const hasReturn = at > 0 || query.startsWith('rd=')
  const before = (hasReturn ? query.slice(0, at) : query).split('&')
  const value = (name: string, grammar: RegExp): string | undefined => {
    const text = before.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1)
    return text !== undefined && grammar.test(text) ? text : undefined
  }
  const maxAge = value('max_age', SECONDS)
  return {
    returnTo: hasReturn ? query.slice(at + 'rd='.length) : undefined,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    locales: value('ui_locales', LOCALES)?.replaceAll(/\+|%20/g, ' ')
  }
}

/** @param returnTo canonical; last, and raw, since it takes the rest */
export function writeLoginQuery ({ returnTo, maxAge }: Pick<LoginQuery, 'returnTo' | 'maxAge'>): string {
  const parameters = [
    ...(maxAge === undefined ? [] : [`max_age=${maxAge}`]),
    ...(returnTo === undefined ? [] : [`rd=${returnTo}`])
  ]
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}
