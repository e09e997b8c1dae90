import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { encodeCheck } from '../../../helpers/grpc.ts'

/** Bytes, 1.5 times what was measured; with functions made for each check it was 10,600. */
const A_CHECK = 4400
const SCRIPT = new URL('../../../helpers/check-cost.mjs', import.meta.url).pathname
/** Coverage's counters keep V8 from what it does for the service. */
const { NODE_V8_COVERAGE, NODE_OPTIONS, ...AS_SHIPPED } = process.env

const LINES = {
  ':authority': 'app.example.com',
  ':path': '/orders',
  ':method': 'GET',
  ':scheme': 'https',
  accept: '*/*',
  'user-agent': 'a browser',
  authorization: 'Bearer anAccessTokenOfSomebody000000000',
  'x-request-id': '5e7a2f0c-0000-4000-8000-000000000001'
}

t.test('reading a check makes little garbage', async (t) => {
  const headers = Object.entries(LINES).map(([key, value]) => ({ key, raw_value: Buffer.from(value) }))
  const check = encodeCheck({
    source: { address: { socket_address: { address: '203.0.113.7', port_value: 40_000 } } },
    request: { http: { id: '1', method: 'GET', path: '/orders', host: 'app.example.com', header_map: { headers } } }
  })
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc', '--no-concurrent-recompilation', '--min-semi-space-size=64', '--max-semi-space-size=64', SCRIPT,
    check.toString('base64')
  ], { env: AS_SHIPPED })
  t.comment(`${stdout} bytes a check`)
  t.ok(Number(stdout) <= A_CHECK, `${stdout} bytes, at most ${A_CHECK}`)
})
