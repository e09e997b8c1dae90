import t from 'tap'
import { PURGE, REPORT, startFleet } from '../helpers/fleet-world.ts'
import { until } from '../helpers/until.ts'

const REVOCATION = { target: { kind: 'user', userId: 'u1' }, origin: 'webhook', quietMs: 0 }

/** Says at its first purge that Redis did not take it; prints what others took, and answers how many those are. */
const PROGRAM = `
let [asked, got] = [0, 0]
process.on('message', (message) => {
  if (message.kind === 'revoke') {
    got++
    console.log(JSON.stringify([Number(process.env.FORWARD_AUTH_WORKER), message]))
  }
  if (message.kind !== 'ask') return
  if (asked++ === 0) process.send({ kind: 'revoked', revocation: ${JSON.stringify(REVOCATION)} })
  process.send({ kind: 'answer', id: message.id, answer: { status: 200, headers: {}, body: String(got) } })
})
process.send(${REPORT})`

t.test('what a worker took and Redis did not goes to the others, and not back', async (t) => {
  const { fleet, lines } = await startFleet(t, PROGRAM)
  t.equal((await fleet.manage(PURGE)).status, 200)
  await until('the other has it', () => lines.length > 0)
  // messages keep their order: one that came back would have come before this purge
  t.equal((await fleet.manage(PURGE)).body, '0', 'the one that took it is not told')
  t.strictSame(lines.map((line) => JSON.parse(line)), [[2, { kind: 'revoke', revocation: REVOCATION }]])
})
