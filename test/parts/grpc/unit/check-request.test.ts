import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { readCheckRequest } from '../../../../src/parts/grpc/check-request.ts'
import { field, message, Unreadable } from '../../../../src/parts/grpc/protobuf.ts'
import { holds } from '../../../helpers/property.ts'
import { decodeCheckRequest, encodeCheck } from '../../../helpers/grpc.ts'

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
const text = fc.stringMatching(/^[ -~]{0,40}$/)
const filled = fc.stringMatching(/^[!-~]{1,40}$/)

t.test('reads what another encoder wrote', async (t) => {
  const headers = fc.array(fc.tuple(token, text), { maxLength: 20 })
  const others = fc.dictionary(token, text)
  await holds(t, fc.property(filled, filled, filled, headers, others, (method, path, host, all, more) => {
    const bytes = encodeCheck({
      source: { service: 'a', address: { socket_address: { address: '192.0.2.1', port_value: 1 } } },
      request: {
        http: {
          id: 'id',
          method,
          path,
          host,
          body: 'not read',
          header_map: { headers: all.map(([key, value]) => ({ key, raw_value: Buffer.from(value) })) }
        }
      },
      context_extensions: more
    })
    const read = readCheckRequest(bytes)
    const extensions = new Map(Object.entries(more))
    deepEqual({ ...read, extensions: new Map(read.extensions) },
      { method, path, host, id: 'id', headers: all.flat(), source: '192.0.2.1', extensions })
  }), 300)
})

t.test('throws one kind of error for arbitrary bytes', async (t) => {
  const valid = encodeCheck({
    source: { address: { socket_address: { address: '192.0.2.1' } } },
    request: { http: { method: 'GET', path: '/', host: 'a', headers: { cookie: 'session=x' } } },
    context_extensions: { policy: 'role=admin' }
  })
  const mutated = fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(valid)
    bytes[at] = byte
    return bytes
  })
  const any = fc.oneof(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), mutated)
  await holds(t, fc.property(any, (bytes) => {
    try {
      readCheckRequest(bytes)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
    }
  }), 20_000)
})

const edit = fc.record({ kind: fc.constantFrom('set', 'insert', 'repeat'), at: fc.nat(), byte: fc.nat(255) })
type Edit = Readonly<{ kind: string, at: number, byte: number }>

function edited (bytes: Buffer, { kind, at, byte }: Edit): Buffer {
  const [before, after] = [bytes.subarray(0, at % bytes.length), bytes.subarray(at % bytes.length)]
  switch (kind) {
    case 'set': return Buffer.concat([before, Buffer.of(byte), after.subarray(1)])
    case 'insert': return Buffer.concat([before, Buffer.of(byte), after])
    default: return Buffer.concat([before, after.subarray(0, byte % 12), after])
  }
}

t.test('no message has another meaning to a library: it is refused instead', async (t) => {
  const valid = encodeCheck({
    request: { http: { method: 'GET', path: '/', host: 'a', headers: { cookie: 'session=x' } } },
    context_extensions: { policy: 'role=admin', endpoint: 'verify' }
  })
  const isPlain = (text: string): boolean => /^[\0-\x7f]*$/.test(text)
  await holds(t, fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
    const bytes = edits.reduce(edited, valid)
    const [ours, theirs] = [attempt(() => readCheckRequest(bytes)), attempt(() => decodeCheckRequest(bytes))]
    const http = theirs?.attributes?.request?.http
    if (ours === undefined || theirs === undefined) return
    const told = [ours.method, ours.path, ours.host, ...[...ours.extensions].flat()]
    if (![...told, ...ours.headers].every(isPlain)) return
    const { method, path, host } = http ?? {}
    deepEqual([method, path, host], [ours.method, ours.path, ours.host])
    deepEqual(new Map(Object.entries(theirs.attributes?.context_extensions ?? {})), new Map(ours.extensions))
  }), 20_000)
})

t.test('a number that comes as bytes is refused: a library reads its bytes as fields', async (t) => {
  const http = [field(2, 'GET'), field(4, '/'), field(5, 'a'), field(9, field(2, 'POST'))]
  const bytes = message(1, message(4, message(2, ...http)))
  t.equal(decodeCheckRequest(bytes).attributes?.request?.http?.method, 'POST', 'as a library reads it')
  t.throws(() => readCheckRequest(bytes), { message: /another type/ })
})

function attempt<T> (read: () => T): T | undefined {
  try { return read() } catch { return undefined }
}

t.test('skips unknown fields of any size', async (t) => {
  const bytes = Buffer.concat(Array.from({ length: 30_000 }, () => Buffer.from([0x12, 0x00])))
  t.throws(() => readCheckRequest(bytes), { message: /HTTP request/ })
})
