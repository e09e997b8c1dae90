import t, { type Test } from 'tap'
import { startInProcessOnClock, verify } from '../../../helpers/in-process-on-clock.ts'
import { MACHINE, startManagement } from '../../../helpers/management.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { demo } from '../../../helpers/simulator.ts'

const { alice } = demo

/** @param aheadMs of this machine's clock */
async function start (t: Test, aheadMs = 0) {
  const clock = manualClock(Date.now() + aheadMs)
  const alone = await startInProcessOnClock(t, { clock })
  const port = await startManagement(t, alone.adapter.service)
  const page = async (): Promise<string> => {
    clock.advance(1000)
    return (await ask(port, { path: '/', host: '127.0.0.1' })).body
  }
  return { ...alone, clock, port, page }
}

const firstLineOf = (page: string): string => /<p class="verdict.*?<\/p>/.exec(page)?.[0].replaceAll(/<[^>]*>/g, '') ?? ''

t.test('the page begins with how things are; "serving" is green while all is well', async (t) => {
  const { adapter, simulator, page } = await start(t)
  t.match(firstLineOf(await page()), /^– No problems, and no requests since the start, \d+ s ago\.$/)
  await verify(adapter, alice.accessToken)
  const well = await page()
  t.equal(firstLineOf(well), '✓ All is well.')
  t.match(well, '<dd class="good">serving</dd>')
  t.match(well, `Replica <b>${MACHINE}:4180</b>, version 0.0.0-test, for <b>https://auth.example.com</b>, CACHE_TTL 30 s.`)
  simulator.controls.fail('not-found')
  for (let n = 0; n < 100; n++) t.equal((await verify(adapter, `cold-${n}`)).status, 503)
  const bad = await page()
  t.match(firstLineOf(bad), /^✗ .*503|not asked/)
  t.match(bad, '<dd>serving</dd>')
  t.match(bad, /<title>! .*: serving<\/title>/)
  t.match(bad, /<data id="refused-authgear_[a-z]+" value="\d+">/)
})

t.test('a clock that is four minutes off is no good day, and has its page in the runbook', async (t) => {
  for (const [aheadMs, says] of [[240_000, 'ahead of'], [-240_000, 'behind']] as const) {
    const { adapter, page } = await start(t, aheadMs)
    await verify(adapter, alice.accessToken)
    t.match(firstLineOf(await page()), new RegExp(`^✗ This machine&#39;s clock is 2[34]\\d s ${says} Authgear`))
  }
})

t.test('status.json says the same, and the runbook is beside it', async (t) => {
  const { port, adapter } = await start(t)
  await verify(adapter, alice.accessToken)
  await ask(adapter.port, { path: '/verify' })
  const data = JSON.parse((await ask(port, { path: '/status.json', host: '127.0.0.1' })).body)
  t.match(data, {
    replica: MACHINE,
    endpoint: 'https://auth.example.com',
    ttlMs: 30_000,
    refused: { no_credentials: 1 },
    verdicts: [{ level: 'good', link: 'all-is-well' }],
    others: []
  })
  const { status, headers, body } = await ask(port, { path: '/runbook', host: '127.0.0.1' })
  t.match({ status, type: headers['content-type'] }, { status: 200, type: 'text/html; charset=utf-8' })
  t.match(body, 'id="forwardauthunavailable"')
  t.equal((await ask(port, { path: '/runbook', host: 'evil.example' })).status, 403)
})
