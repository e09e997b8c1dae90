import { IDENTITY_SETS, type IdentitySet } from '../../core/presentation.ts'
import {
  IDENTITY_FIELDS, type IdentityField, type IdentityHeader, type IdentityHeaders, SETS
} from '../../identity/sets.ts'
import { type Kind, parsed, type Parsed, problem, quote } from '../kind.ts'

const MAX_HEADERS = 20
/** Letters, digits and dashes: proxies drop or rewrite names with other characters. */
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/
/** RFC 9110, 7.6.1; where a request came from; what HTTP, a proxy or this service gives a meaning of its own. */
const RESERVED = new RegExp(
  '^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings' +
    '|forwarded|via|x-forwarded.*|x-original-.*|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-.*' +
    '|cookie2?|set-cookie2?|authorization|www-authenticate|host|date|server|location|allow|age|vary|expires|pragma' +
    '|content-.*|cache-control|accept.*|access-control-.*|sec-.*|origin|referer|user-agent|x-http-method.*' +
    '|expect|if-.*|range|max-forwards|early-data|x-requested-with|mcp-.*' +
    '|x-request-id|x-envoy-.*|x-authgear-.*|x-forward-auth-.*|traceparent|tracestate|status|x-accel-.*)$', 'i'
)
const FORMS = `${IDENTITY_SETS.join(', ')}, or Name={field}, separated by commas`

/** IDENTITY_HEADERS: the first set, or the map, is the usual one; `none` first: a route has to name one. */
export const identityHeaders: Kind<IdentityHeaders> = Object.freeze({
  accepts: `\`${IDENTITY_SETS.join('`, `')}\`, or \`Name={field}\` with ` +
    `${IDENTITY_FIELDS.map((one) => `\`{${one}}\``).join(' ')}, separated by commas`,
  parse: (text: string) => {
    const entries = text.split(',').map((entry) => entry.trim())
    const map: IdentityHeader[] = []
    const sets: Array<IdentitySet | 'none'> = []
    for (const entry of entries) {
      const read = entry.includes('=') ? readHeader(entry) : readSet(entry, sets.length + map.length)
      if ('problem' in read) return read
      if (read.kind === 'header') map.push(read.header)
      else sets.push(read.set)
    }
    return judge(map, sets, text)
  }
})

type Entry =
  | Readonly<{ kind: 'header', header: IdentityHeader }>
  | Readonly<{ kind: 'set', set: IdentitySet | 'none' }>
  | (Parsed<never> & { kind: 'problem' })

function wrong (text: string): Parsed<never> & { kind: 'problem' } {
  return { kind: 'problem', problem: text }
}

function readSet (entry: string, index: number): Entry {
  const set = IDENTITY_SETS.find((name) => name === entry)
  if (set !== undefined) return { kind: 'set', set }
  if (entry === 'none' && index === 0) return { kind: 'set', set: 'none' }
  return wrong(`${quote(entry)} is not a set of headers: write ${FORMS}`)
}

function readHeader (entry: string): Entry {
  const [, name = '', field = ''] = /^([^=]*)=\{([a-z_]*)\}$/.exec(entry) ?? []
  if (name === '') return wrong(`${quote(entry)} must be a header's name and one field, such as X-My-User={username}`)
  if (!NAME.test(name)) return wrong(`${quote(name)} must be 64 letters, digits and dashes at most, a letter first`)
  if (RESERVED.test(name)) return wrong(`${quote(name)} is reserved by HTTP, a proxy or this service`)
  const known = IDENTITY_FIELDS.find((one): one is IdentityField => one === field)
  if (known === undefined) return wrong(`{${field.slice(0, 40)}} is none of ${IDENTITY_FIELDS.join(', ')}`)
  return { kind: 'header', header: { name, field: known } }
}

function judge (
  map: readonly IdentityHeader[],
  sets: ReadonlyArray<IdentitySet | 'none'>,
  text: string
): Parsed<IdentityHeaders> {
  const ofSets = sets.flatMap((set) => set === 'none' ? [] : [SETS[set]])
  const all = [...map, ...ofSets.flat()]
  const names = all.map(({ name }) => name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return problem(`${quote(twice)} is listed twice`)
  if (all.length > MAX_HEADERS) return problem(`names more than ${MAX_HEADERS} headers`)
  const usual = map.length > 0 ? map : sets[0] === 'none' ? [] : ofSets[0] ?? []
  return parsed({ usual, all }, text)
}
