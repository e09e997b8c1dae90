import t, { type Test } from 'tap'
import { basicWorld, type BasicWorld, OTHER_API, type Replica, route, SCOPES } from '../basic-world.ts'
import { until } from '../../../helpers/until.ts'

const MINUTE = 60_000

/** A replica whose five machines are good. */
async function working (t: Test): Promise<BasicWorld & { replica: Replica, since: () => number }> {
  const world = await basicWorld(t)
  const replica = await world.start()
  for (const { id, secret } of world.machines) t.equal(await replica.says(id, secret), '200 allowed')
  let before = world.calls()
  const since = (): number => {
    const count = world.calls() - before
    before = world.calls()
    return count
  }
  return { ...world, replica, since }
}

t.test('a wrong secret is asked about once an hour', async (t) => {
  const { replica, clock, since } = await working(t)
  clock.advance(MINUTE)
  for (let n = 0; n < 100; n++) t.equal(await replica.says('one', 'wrong'), '401 invalid_session')
  t.equal(since(), 1)
  clock.advance(59 * MINUTE)
  t.equal(await replica.says('one', 'wrong'), '401 invalid_session')
  t.equal(since(), 0)
  clock.advance(MINUTE + 1)
  t.equal(await replica.says('one', 'wrong'), '401 invalid_session')
  t.equal(since(), 1)
})

t.test('a client without the resource at Authgear is asked about again after a minute', async (t) => {
  const { replica, clock, since, resources } = await working(t)
  resources.pop()
  const other = route('', OTHER_API)
  clock.advance(MINUTE)
  for (let n = 0; n < 10; n++) t.equal(await replica.says('one', 'of one', other), '401 invalid_session')
  t.equal(since(), 1)
  resources.push({ uri: OTHER_API, scopes: SCOPES })
  clock.advance(MINUTE)
  t.equal(await replica.says('one', 'of one', other), '200 allowed')
})

/** Works for so many minutes, a request each ten seconds. @returns the last status of each minute */
async function workFor (minutes: number, { clock, replica, calls }: BasicWorld & { replica: Replica }, secret: string) {
  const said: string[] = []
  for (let step = 0; step < minutes * 6; step++) {
    clock.advance(10_000)
    said.push(await replica.says('one', secret))
    await until('what runs in the background is over', async () => {
      const counts = await Promise.all(['ok', 'refused', 'limited', 'error'].map(replica.exchanges))
      return counts.reduce((sum, count) => sum + count, 0) === calls()
    })
  }
  return said
}

t.test('a rotated secret’s old pair stops at its renewal, the new one passes at once', async (t) => {
  const world = await working(t)
  const [machine] = world.machines
  if (machine !== undefined) machine.secret = 'rotated'
  t.equal(await world.replica.says('one', 'rotated'), '200 allowed')
  t.equal(world.since(), 1)
  const said = await workFor(30, world, 'of one')
  const passed = said.findIndex((one) => one.startsWith('401')) * 10
  t.ok(passed > 1000 && passed <= 1800 * 0.85, `the old one passed for ${passed} s`)
  t.ok(said.slice(passed / 10).every((one) => one === '401 invalid_session'))
  t.equal(world.since(), 1, 'one exchange is refused')
})

t.test('a pair that was not used for longer than its token ends with that', async (t) => {
  const world = await working(t)
  world.machines.shift()
  world.clock.advance(30 * MINUTE)
  t.equal(await world.replica.says('one', 'of one'), '401 invalid_session', 'a deleted client')
  t.equal(await world.replica.says('two', 'of two'), '200 allowed')
  t.equal(world.since(), 2)
})

t.test('CLIENTS_BLOCKED refuses by the client’s name, without a call', async (t) => {
  const { start, calls } = await basicWorld(t, { CLIENTS_BLOCKED: 'one' })
  const replica = await start()
  t.equal(await replica.says('one', 'of one'), '401 client_blocked')
  t.equal(await replica.says('two', 'of two'), '200 allowed')
  t.equal(calls(), 1)
})

t.test('a client that the route does not name is refused without a call', async (t) => {
  const { start, calls } = await basicWorld(t)
  const replica = await start()
  t.equal(await replica.says('one', 'of one', route('&client=two')), '401 invalid_session')
  t.equal(await replica.says('two', 'of two', route('&client=two,three&client=two')), '200 allowed')
  t.equal(calls(), 1)
})

t.test('a revoked token is replaced by another one, which is newer than the revocation', async (t) => {
  const { replica, clock, since } = await working(t)
  clock.advance(MINUTE)
  const log = replica.service.revocations?.revocations
  await log?.revoke({ target: { kind: 'everything' }, origin: 'management', quietMs: 0, ends: 0 })
  t.equal(await replica.says('one', 'of one'), '503 overloaded', 'a token of this second would be refused, too')
  const asked = since()
  t.ok(asked <= 1)
  for (let n = 0; n < 50; n++) t.equal(await replica.says('one', 'of one'), '503 overloaded')
  t.equal(since(), 0)
  clock.advance(10_000)
  t.equal(await replica.says('one', 'of one'), '200 allowed')
  t.equal(await replica.says('one', 'of one'), '200 allowed')
  t.equal(since(), 1)
})

for (const failure of ['reset', 'error', 'rate-limited'] as const) {
  t.test(`Authgear ${failure}: good tokens go on, nobody else gets a 401`, async (t) => {
    const { replica, clock, since, simulator, machines } = await working(t)
    simulator.controls.tokens.fail(failure)
    machines.push({ id: 'six', secret: 'of six', scopes: ['read'] })
    const status = failure === 'rate-limited' ? '503 overloaded' : '503 authgear_unavailable'
    clock.advance(MINUTE)
    for (let n = 0; n < 50; n++) t.equal(await replica.says('six', 'of six'), status, 'a new machine')
    t.equal(since(), 1)
    const { headers } = await replica.ask('six', 'of six')
    t.equal(headers['retry-after'], failure === 'rate-limited' ? '12' : '2')
    t.notOk('www-authenticate' in headers)
    for (let minute = 1; minute < 29; minute++) {
      t.equal(await replica.says('one', 'of one'), '200 allowed')
      clock.advance(MINUTE)
    }
    clock.advance(MINUTE)
    t.equal(await replica.says('one', 'of one'), status, 'its token has ended')
    since()
    for (let n = 0; n < 60; n++) {
      clock.advance(1000)
      t.equal(await replica.says('one', 'of one'), status)
    }
    t.ok(since() <= 5, 'a minute costs no more calls than Authgear allows the client')
    simulator.controls.tokens.recover()
    clock.advance(MINUTE)
    t.equal(await replica.says('one', 'of one'), '200 allowed')
    t.equal(await replica.says('six', 'of six'), '200 allowed')
  })
}

type Flood = Readonly<{ name: string, guess: (n: number) => readonly [clientId: string, secret: string] }>
const FLOODS: readonly Flood[] = [
  { name: 'secrets of one machine', guess: (n) => ['one', `guess ${n}`] },
  { name: 'secrets of clients that do not exist', guess: (n) => [`client-${n}`, `guess ${n}`] },
  { name: 'one wrong pair again and again', guess: () => ['one', 'the same guess'] }
]

for (const addresses of [1, 1000]) {
  for (const { name, guess } of FLOODS) {
    t.test(`guesses of ${addresses === 1 ? 'one address' : 'a thousand addresses'}: ${name}`, async (t) => {
      const { replica, clock, machines, since } = await working(t)
      clock.advance(MINUTE)
      const said = new Map<string, number>()
      const perMinute: number[] = []
      for (let minute = 0, n = 0; minute < 31; minute++) {
        for (let step = 0; step < 6; step++, clock.advance(10_000)) {
          for (let more = 0; more < 20; more++, n++) {
            const from = [['X-Forwarded-For', `10.1.${n % addresses >> 8}.${n % addresses & 255}`]] as const
            const { status, headers } = await replica.ask(...guess(n), { headers: from })
            const one = `${status} ${String(headers['x-forward-auth-reason'])}`
            said.set(one, (said.get(one) ?? 0) + 1)
          }
          for (const { id, secret } of machines) {
            const one = await replica.says(id, secret)
            if (one !== '200 allowed') t.fail(`${id}: ${one} in minute ${minute}`)
          }
        }
        perMinute.push(since())
      }
      const [held, limited] = [await replica.exchanges('held'), await replica.exchanges('limited')]
      const all = perMinute.reduce((sum, one) => sum + one)
      t.comment(`${[...said].map((one) => one.join(': ')).join(', ')}; calls ${all} in 31 minutes; held ${held}`)
      t.ok(perMinute.every((calls) => calls <= 20), `calls of each minute: ${perMinute.join(' ')}`)
      t.equal(limited, 0, 'Authgear answered nobody 429')
      t.ok(await replica.exchanges('ok') >= 10, 'all machines were renewed')
      t.ok([...said.keys()].every((one) => one === '401 invalid_session' || one === '503 overloaded'))
    })
  }
}
