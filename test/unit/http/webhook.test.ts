import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import t from 'tap'
import { createWebhook } from '../../../src/base/http/webhook.ts'
import type { RevocationLog } from '../../../src/base/revocation/types.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import { disabledEvent, sign, WEBHOOK_SECRET } from '../../helpers/webhook.ts'

/** A webhook whose revocations are counted; `outcome` says what becomes of the next ones. */
function start () {
  const clock = manualClock()
  const log = { outcome: 'logged', revoked: 0 }
  const revocations = { async revoke () { log.revoked++; return log.outcome } } as unknown as RevocationLog
  const webhook = createWebhook({
    secrets: [WEBHOOK_SECRET],
    appId: undefined,
    log: revocations,
    clock,
    report () {},
    signed () {},
    refused () {}
  })
  const post = async (id: string): Promise<number> => {
    const body = disabledEvent('alice', id)
    const request = Object.assign(Readable.from([Buffer.from(body)]), {
      headers: { 'x-authgear-body-signature': sign(body) }
    })
    return (await webhook(request as unknown as IncomingMessage, { requestId: '' }, '')).status
  }
  return { clock, log, post }
}

t.test('a repeated event is accepted and ignored for ten minutes', async (t) => {
  const { clock, log, post } = start()
  t.strictSame([await post('a'), await post('a'), log.revoked], [204, 204, 1])
  clock.advance(599_999)
  await post('a')
  t.equal(log.revoked, 1)
  clock.advance(1)
  await post('a')
  t.equal(log.revoked, 2)
})

t.test('an event that was not logged is taken when it is repeated', async (t) => {
  const { log, post } = start()
  log.outcome = 'pending'
  t.strictSame([await post('a'), await post('a')], [503, 503])
  log.outcome = 'logged'
  t.strictSame([await post('a'), await post('a'), log.revoked], [204, 204, 3])
})

t.test('of 10,000 events the ids are kept, and the oldest one goes', async (t) => {
  const { log, post } = start()
  for (let n = 0; n < 10_000; n++) await post(`${n}`)
  await post('0')
  t.equal(log.revoked, 10_000)
  await post('10000')
  await post('0')
  t.equal(log.revoked, 10_002)
})
