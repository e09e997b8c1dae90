import { readFileSync } from 'node:fs'
import t from 'tap'
import { readAnswer } from '../../../../src/parts/tokens/basic/exchange.ts'
import type { Exchange } from '../../../helpers/recorded.ts'

const recording = JSON.parse(readFileSync(new URL('../../../fixtures/m2m.json', import.meta.url), 'utf8')) as
  Readonly<{ exchanges: readonly Exchange[] }>

function recorded (name: string, status: number): string {
  const found = recording.exchanges
    .find((one) => one.name === `token: ${name}` && one.response.status === status)
  if (found === undefined) throw new Error(`no exchange of that name: ${name}`)
  const { body } = found.response
  return typeof body === 'string' ? body : JSON.stringify(body)
}

/** What the real Authgear said to a machine. */
const SAID = [
  ['resource, no scope', 200, { kind: 'token' }],
  ['wrong secret', 400, { kind: 'refused', of: 'pair' }],
  ['client that is not m2m (web)', 400, { kind: 'refused', of: 'pair' }],
  ['no secret', 400, { kind: 'refused', of: 'pair' }],
  ['unknown resource', 400, { kind: 'refused', of: 'resource' }]
] as const

t.test('reads what Authgear was recorded to say', async (t) => {
  for (const [name, status, expected] of SAID) {
    t.match(readAnswer({ status, text: recorded(name, status) }), expected, name)
  }
  t.throws(() => readAnswer({ status: 429, text: recorded('wrong secret', 429) }), { code: 'TOO_MANY_EXCHANGES' })
  t.throws(() => readAnswer({ status: 307, text: '' }), { code: 'AUTHGEAR_MISCONFIGURED' })
})

/** What says nothing of the pair must not be a 401. */
const OTHERS: ReadonlyArray<readonly [status: number, text: string]> = [
  [500, ''],
  [502, '<html>'],
  [404, 'app not found'],
  [200, ''],
  [200, '{"access_token":""}'],
  [400, ''],
  [400, '{"error":"invalid_request","error_description":"resource is required"}'],
  [400, '{"error":"invalid_scope"}'],
  [400, '{"error":"server_error"}'],
  [403, '{"error":"invalid_client"}'],
  [400, '{"error":"<script>"}']
]

t.test('what says nothing of the pair is an error', async (t) => {
  for (const [status, text] of OTHERS) {
    t.throws(() => readAnswer({ status, text }), { code: /^AUTHGEAR_/ }, `${status} ${text}`)
  }
})
