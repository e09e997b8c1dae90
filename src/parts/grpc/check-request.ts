import { Reader, Unreadable } from './protobuf.ts'

/** The read fields of a `CheckRequest` (envoy/service/auth/v3/external_auth.proto and attribute_context.proto). */
export type CheckRequest = Readonly<{
  method: string
  /** Path and query, as the client sent them. */
  path: string
  host: string
  /** Envoy's id of the request; empty where it gives none. */
  id: string
  /** Name, value, name, value … without pseudo-headers. */
  headers: readonly string[]
  /** Envoy's peer, as Envoy's own trust settings determine it. */
  source: string | undefined
  /** `context_extensions`: the operator's own words. */
  extensions: ReadonlyMap<string, string>
}>

type Found = { -readonly [K in keyof CheckRequest]?: CheckRequest[K] }
type ReadField = (reader: Reader) => void
type Fields = Readonly<Record<number, ReadField>>

/** A header name, and the bytes that no value may hold: Node's HTTP parser refuses the same. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0a-\x1f\x7f]/

/** @throws Unreadable: what Envoy never writes, above all anything that is said twice */
export function readCheckRequest (bytes: Buffer): CheckRequest {
  const found: Found = {}
  const extensions = new Map<string, string>()
  readOnce(new Reader(bytes), {
    1: (request) => readOnce(request.message(), {
      1: (attributes) => { readSource(attributes.message(), found) },
      4: (attributes) => readOnce(attributes.message(), { 2: (one) => readHttp(one.message(), found) })
    }, { 10: (attributes) => readExtension(attributes.message(), extensions) })
  })
  const { method, path, host, id = '', headers, source } = found
  if (method === undefined || path === undefined || host === undefined || headers === undefined) {
    throw new Unreadable('it says nothing of an HTTP request')
  }
  return { method, path, host, id, headers, source, extensions }
}

/** Peer → Address → SocketAddress → address; a pipe has none. */
function readSource (peer: Reader, found: Found): void {
  readOnce(peer, {
    1: (address) => readOnce(address.message(), {
      1: (socket) => readOnce(socket.message(), {
        // protocol, port, IPv4 as IPv6
        1: skipNumber,
        2: (text) => { found.source = text.text() },
        3: skipNumber,
        6: skipNumber
      })
    })
  })
}

function readExtension (entry: Reader, extensions: Map<string, string>): void {
  const { key, value } = readEntry(entry)
  if (extensions.has(key)) throw new Unreadable('a context extension comes twice')
  extensions.set(key, value)
}

/**
 * Header lines are in one of two fields: a map that joins those of one name by a comma, or, with Envoy's
 * `encode_raw_headers`, a list that keeps each.
 */
function readHttp (http: Reader, found: Found): void {
  const joined: string[] = []
  let lines: string[] | undefined
  readOnce(http, {
    1: (text) => { found.id = text.text() },
    2: (text) => { found.method = present(text.text()) },
    4: (text) => { found.path = present(text.text()) },
    5: (text) => { found.host = present(text.text()) },
    // the body's size
    9: skipNumber,
    13: (map) => { lines = readLines(map.message()) }
  }, { 3: (entry) => addLine(joined, readEntry(entry.message())) })
  if (joined.length > 0 && lines !== undefined && lines.length > 0) throw new Unreadable('header lines come twice')
  found.headers = joined.length > 0 ? joined : lines ?? []
}

/** HeaderMap → HeaderValue: key, value or raw_value. */
function readLines (map: Reader): string[] {
  const lines: string[] = []
  readOnce(map, {}, {
    1: (line) => {
      const { key, value, raw } = readEntry(line.message())
      if (value !== '' && raw !== '') throw new Unreadable('a header has two values')
      addLine(lines, { key, value: value === '' ? raw : value })
    }
  })
  return lines
}

function addLine (lines: string[], { key, value }: Readonly<{ key: string, value: string }>): void {
  if (key.startsWith(':')) return
  if (!NAME.test(key) || FORBIDDEN.test(value)) throw new Unreadable('a header is none')
  lines.push(key, value)
}

/** An entry of a map, or a HeaderValue: its fields 1, 2 and 3. */
function readEntry (entry: Reader): Readonly<{ key: string, value: string, raw: string }> {
  const read = { key: '', value: '', raw: '' }
  readOnce(entry, {
    1: (text) => { read.key = text.text() },
    2: (text) => { read.value = text.text() },
    3: (text) => { read.raw = text.text() }
  })
  return read
}

function present (text: string): string {
  if (text === '' || FORBIDDEN.test(text)) throw new Unreadable('the request line is none')
  return text
}

const skip: ReadField = (reader) => reader.skip()
const skipNumber: ReadField = (reader) => reader.skipNumber()

/** Each of the first may be there once: protobuf lets the last one win, or merges, which no two readers must decide. */
function readOnce (reader: Reader, once: Fields, repeated: Fields = {}): void {
  let seen = 0
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    const read = once[number]
    if (read !== undefined) {
      if ((seen & (1 << number)) !== 0) throw new Unreadable('a field comes twice')
      seen |= 1 << number
      read(reader)
    } else (repeated[number] ?? skip)(reader)
  }
}
