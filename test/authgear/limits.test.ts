import t from 'tap'
import type { Answer } from '../helpers/request.ts'
import { newAddress } from './browser.ts'
import {
  bearer, codeOf, grantOf, redeeming, refreshing, resolved, signedIn, tokenCall, type Overrides
} from './sign-ins.ts'
import { openSuite } from './suite.ts'

const suite = await openSuite('limits')
const { server } = suite
const TOO_MANY = '429 x_rate_limited: rate limit exceeded, please try again later.'
const REFRESHED = 'access_token,expires_in,id_token,token_type'
const ALL = 'access_token,expires_in,id_token,refresh_token,token_type'

/** Junk calls of an address until there are too many. @returns how many there were */
async function exhaust (address: string): Promise<number> {
  for (let calls = 1; calls < 200; calls++) {
    const { status } = await tokenCall(server, refreshing('a.b'), address)
    if (status === 429) return calls
  }
  throw new Error('no limit within 200 calls')
}

/** A call beyond the limit, though a place comes back each half second. */
async function beyondLimit (address: string, form: () => Promise<Overrides>): Promise<readonly [Overrides, Answer]> {
  for (let tries = 0; tries < 10; tries++) {
    const asked = await form()
    await exhaust(address)
    const answer = await tokenCall(server, asked, address)
    if (answer.status === 429) return [asked, answer]
  }
  throw new Error('no call was beyond the limit')
}

t.test('120 calls of the token endpoint a minute and address', async (t) => {
  const { browser } = await signedIn(server)
  const { access, refresh } = await grantOf(server, browser)
  const address = newAddress()
  const calls = await exhaust(address)
  t.ok(calls > 120 && calls < 150, `the first refusal at ${calls}`) // places come back meanwhile
  const [redemption, limited] = await beyondLimit(address, async () => redeeming(await codeOf(server, browser)))
  suite.answers(t, 'a code beyond the limit', limited, TOO_MANY)
  t.notOk('retry-after' in limited.headers)
  const [renewal, renewed] = await beyondLimit(address, async () => refreshing(refresh))
  suite.answers(t, 'a refresh beyond the limit', renewed, TOO_MANY)
  const { address: other } = browser
  suite.answers(t, 'from another address, the same code', await tokenCall(server, redemption, other), `200 ${ALL}`)
  suite.answers(t, 'and the same refresh token', await tokenCall(server, renewal, other), `200 ${REFRESHED}`)
  suite.says(t, 'the resolver has no such limit', await resolved(server, bearer(access)), '200 session-valid true')
})

t.test('60 refreshes a minute and person, from any address', async (t) => {
  const { browser } = await signedIn(server)
  const { refresh } = await grantOf(server, browser)
  let calls = 0
  let status = 200
  for (; calls < 120 && status === 200; calls++) {
    ({ status } = await tokenCall(server, refreshing(refresh), newAddress()))
  }
  t.equal(status, 429)
  t.ok(calls > 55 && calls < 90, `the first refusal at ${calls}`)
})

suite.end()
