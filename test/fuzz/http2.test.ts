import fc from 'fast-check'
import { once } from 'node:events'
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import t from 'tap'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { statusOverHttp2 } from '../helpers/raw-http2.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'
import { anything, clientLines, fieldText, mostly } from './helpers/hostile.ts'
import { isRefusedUnasked, valuesOf, whoIs, type Line } from './helpers/oracle.ts'

const tls = makeTls(t)
/** nghttp2 drops lines that HTTP/2 forbids as if they had not been sent (RFC 9113, 8.2.1). */
const isKept = ([name, value]: Line): boolean => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !/^[ \t]|[ \t]$|[\0-\x08\x0a-\x1f\x7f]/.test(value) // eslint-disable-line no-control-regex -- that is what it drops
const lower = (lines: readonly Line[]): readonly Line[] => lines.map(([name, value]) => [name.toLowerCase(), value])

t.test('frames by hand, any bytes in names and values: 200 only for a session', async (t) => {
  const simulator = await startSimulator(t)
  const { port, lines: log } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls) })
  const unforeseen = nothingUnforeseen(log)
  const name = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything })
  const path = mostly(['/verify', '/ext-authz/x'], anything.map(text => `/verify${text}`))
  const client = fc.oneof(clientLines(anything), clientLines(fieldText))
  const isLower = fc.integer({ max: 9, min: 0 }).map(n => n > 0)
  const seen = { allowed: 0, refused: 0, reset: 0 }
  await holds(
    t,
    fc.asyncProperty(
      client,
      fc.array(fc.tuple(name, anything), { maxLength: 1 }),
      path,
      isLower,
      async (lines, others, path, isLower) => {
        const sent: Line[] = [
          ...(isLower ? lower(lines) : lines),
          ...others.flatMap(([one, value]): Line[] => (one === undefined ? [] : [[one, value]]))
        ]
        const status = await ends(
          'a stream',
          statusOverHttp2(port, tls.ca, path, sent).catch((error: Error) => {
            if (!/refused|closed|ECONNRESET|EPIPE/.test(error.message)) throw error
          })
        )
        if (status === 200 && whoIs(sent) === undefined && whoIs(sent.filter(isKept)) === undefined) {
          throw new Error('200 for nobody')
        }
        unforeseen()
        seen[status === undefined ? 'reset' : status === 200 ? 'allowed' : 'refused']++
      }
    ),
    200
  )
  t.ok(Math.min(...Object.values(seen)) > 10, `none is rare: ${JSON.stringify(seen)}`)
})

t.test('well-formed streams of one session: each gets its own person', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls) })
  const session = connect(`https://localhost:${port}`, { ca: tls.ca })
  t.teardown(() => session.destroy())
  const ask = async (lines: readonly Line[]): Promise<string | undefined> => {
    const [authorization] = valuesOf(lines, 'authorization')
    const stream = session.request({
      ':path': '/verify', cookie: valuesOf(lines, 'cookie'), ...(authorization === undefined ? {} : { authorization })
    })
    const [headers] = await once(stream.end(), 'response') as [IncomingHttpHeaders & IncomingHttpStatusHeader]
    stream.resume()
    return headers[':status'] === 200 ? String(headers['x-authgear-user-id']) : undefined
  }
  await holds(
    t,
    fc.asyncProperty(fc.array(clientLines(fieldText), { minLength: 1, maxLength: 20 }), async (requests) => {
      const all = requests.map((lines) =>
        lower(lines).filter(
          ([name], i, every) => name !== 'authorization' || every.findIndex(([one]) => one === name) === i
        )
      )
      const answers = await ends('a session', Promise.all(all.map(ask)))
      all.forEach((lines, i) => {
        const expected = isRefusedUnasked(lines) ? undefined : whoIs(lines)
        if (answers[i] !== expected) throw new Error(`${answers[i]} instead of ${expected}`)
      })
    }),
    50
  )
})
