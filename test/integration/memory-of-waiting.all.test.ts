import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { sourceOf, startInProcessOnClock, verify } from '../helpers/in-process-on-clock.ts'
import { ask } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { demo } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

/** What the service gives V8 in a container of 128 MiB. */
const FLAGS = '--max-old-space-size=56 --max-semi-space-size=2'
/** Sent at once; no connection waits for long until it is taken. */
const BATCH = 32

type Flood = Readonly<{ requests: number, headBytes: number, tokenOf: (index: number) => string }>

/** Each on its own connection, as a proxy of HTTP/1.1 sends them. @returns the reason of each answer */
async function flood (t: Test, port: number, { requests, headBytes, tokenOf }: Flood): Promise<readonly string[]> {
  const padding = 'x'.repeat(headBytes)
  const answers: Array<Promise<string>> = []
  function send (index: number): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    answers.push(new Promise((resolve) => {
      socket.once('data', (data) => resolve(/x-forward-auth-reason: (\w+)/i.exec(data.toString())?.[1] ?? 'none'))
      socket.on('error', () => resolve('lost')).on('close', () => resolve('lost'))
    }))
    const head = `GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokenOf(index)}\r\nX-Padding: ` +
      `${padding}\r\n\r\n`
    return new Promise((resolve) => { socket.write(head, () => resolve()) })
  }
  for (let index = 0; index < requests; index += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, one) => send(index + one)))
  }
  return await Promise.all(answers)
}

const FLOODS: ReadonlyArray<readonly [what: string, flood: Flood]> = [
  ['different credentials, heads of 34 KiB',
    { requests: 1088, headBytes: 34 * 1024, tokenOf: (index) => `junk${index}` }],
  ['one credential, whose resolution all wait for, heads of 34 KiB',
    { requests: 1984, headBytes: 34 * 1024, tokenOf: () => 'same' }]
]

for (const [what, { requests, ...rest }] of FLOODS) {
  t.test(`128 MiB outlive ${requests} that wait for Authgear: ${what}`, async (t) => {
    const authgear = await startUpstream(t, () => {}) // it takes every request and answers none
    const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${authgear.port}`, NODE_OPTIONS: FLAGS, LOG_LEVEL: 'error' }
    const service = await startProcess(t, env)
    let ended: number | string | undefined
    service.ended.then((how) => { ended = how }, () => {})
    const answers = await flood(t, service.port, { requests, ...rest })
    t.equal(ended, undefined, 'it lives')
    t.equal(answers.filter((reason) => reason === 'lost' || reason === 'none').length, 0, 'each is answered')
    t.ok(answers.includes('overloaded'), 'those beyond the budget at once')
    t.equal((await ask(service.port, { path: '/verify' })).status, 401, 'and so are those who come later')
  })
}

t.test('beyond the budget of waiting bytes: overloaded at once, memory still answers', async (t) => {
  const token = 'x'.repeat(2000)
  const { adapter, simulator } = await startInProcessOnClock(t, {
    AUTHGEAR_TIMEOUT: '30s', waitingBytes: 3 * 16 * 1024
  })
  t.equal(sourceOf(await verify(adapter, demo.alice.accessToken)), '200 authgear')
  const gate = simulator.controls.hold('before')
  const waiting = Array.from({ length: 3 }, () => verify(adapter, token))
  await gate.arrived(1)
  await until('two join it', async () => /scope="process"\} 2/.test(await adapter.service.metrics.render()))
  t.equal(sourceOf(await verify(adapter, token)), '503 overloaded', 'a fourth that would only join')
  t.equal(sourceOf(await verify(adapter, demo.bob.accessToken)), '503 overloaded', 'another credential')
  t.equal(sourceOf(await verify(adapter, demo.alice.accessToken)), '200 memory')
  gate.release()
  t.strictSame((await Promise.all(waiting)).map(sourceOf), Array(3).fill('401 invalid_session'))
  t.equal(sourceOf(await verify(adapter, demo.bob.accessToken)), '200 authgear', 'what they took is given back')
})
