import fc from 'fast-check'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { parseAnswers, sendAll } from './helpers/answers.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'
import { anything, mostly } from './helpers/hostile.ts'

const SECRET = 'a webhook secret of the fuzz'
const sign = (body: Buffer): string => createHmac('sha256', SECRET).update(body).digest('hex')

const recorded = (
  JSON.parse(readFileSync(new URL('../fixtures/webhooks.json', import.meta.url), 'utf8')) as Array<{ body?: string }>
).flatMap(({ body }) => body ?? [])
const disabled = JSON.stringify({
  id: 'event',
  type: 'user.disabled',
  payload: { user: { id: demo.alice.id } },
  context: { app_id: 'app', user_id: demo.alice.id }
})

const event = fc
  .record(
    {
      id: fc.anything(),
      type: mostly(['user.disabled', 'identity.email.updated', 'user.invented'], anything),
      payload: fc.oneof(
        fc.record({ user: fc.record({ id: fc.oneof(fc.constant<unknown>(demo.alice.id), fc.anything()) }) }),
        fc.anything()
      ),
      context: fc.oneof(fc.constant<unknown>({ app_id: 'app' }), fc.anything())
    },
    { requiredKeys: [] }
  )
  .map((value) => JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)))

const body = fc
  .oneof(
    event,
    fc.json(),
    fc.constantFrom(disabled, ...recorded),
    fc.tuple(fc.constantFrom(disabled, ...recorded), fc.nat(), anything)
      .map(([text, at, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1))
  )
  .map((text) => Buffer.from(text, 'utf8'))

const signature = fc.oneof(
  { weight: 2, arbitrary: fc.constant((right: string) => right) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      (right: string) => right.toUpperCase(),
      (right: string) => right.slice(1),
      (right: string) => `${right}0`,
      (right: string) => `${right}, ${right}`,
      () => '',
      (right: string) => `sha256=${right}`,
      () => '0'.repeat(64),
      (right: string) => right.replace(/^./, (first) => (first === '0' ? '1' : '0'))
    )
  },
  { weight: 1, arbitrary: anything.map((text) => () => text.replaceAll(/[\r\n\0]/g, '')) }
)

t.test('only a signed body revokes, and only one that Authgear could have sent', async (t) => {
  const simulator = await startSimulator(t)
  const { port, lines: log } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    AUTHGEAR_WEBHOOK_SECRET: SECRET,
    AUTHGEAR_APP_ID: 'app',
    CACHE_TTL: '10m' // or what ends between two looks would pass for revoked
  })
  const unforeseen = nothingUnforeseen(log)
  const seen = new Map<number, number>()
  const isRemembered = async (): Promise<boolean> =>
    (
      await sendAll(
        port,
        `GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${demo.alice.accessToken}\r\nConnection: ` +
          'close\r\n\r\n'
      )
    ).includes('x-forward-auth-source: memory')
  await holds(t, fc.asyncProperty(body, signature, async (body, forge) => {
    const right = sign(body)
    const given = forge(right)
    const isSigned = given.trim() === right
    if (!isSigned) await isRemembered() // she is, from here on, but within the quiet time of a revocation before
    const before = !isSigned && await isRemembered()
    const head = 'POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ' +
      `${body.length}\r\nx-authgear-body-signature: ${given}\r\n\r\n`
    const received = await ends('a webhook', sendAll(port, head + body.toString('latin1')))
    const [answer, ...more] = parseAnswers(
      received.replace(/^HTTP\/1.1 204 No Content\r\n/, '$&content-length: 0\r\n'), () => false
    )
    const status = answer?.status ?? 0
    seen.set(status, (seen.get(status) ?? 0) + 1)
    if (more.length > 0) throw new Error(`${more.length} answers too many`)
    if (!(isSigned ? [204, 400, 403] : [400, 401]).includes(status)) {
      throw new Error(`${status} with ${isSigned ? 'a right' : 'a wrong'} signature`)
    }
    if (before && !await isRemembered()) throw new Error('a forged webhook revoked')
    unforeseen()
  }), 300)
  for (const status of [204, 400, 401, 403]) {
    t.ok((seen.get(status) ?? 0) > 5, `${status} is not rare: ${seen.get(status)}`)
  }
})
