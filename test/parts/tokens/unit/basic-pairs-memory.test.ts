import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Answer, Good } from '../../../../src/parts/tokens/basic/types.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'
import { openPairs } from '../open-pairs.ts'

const HOUR_MS = 3_600_000
/** Of a token's half an hour: past the moment at which it is renewed, and before its end. */
const RENEWAL_MS = 0.73 * 1_800_000
/** A token younger than this is not replaced. */
const YOUNG_MS = 7000

function good (answer: Answer): Good {
  if (answer.kind !== 'good') throw new Error(answer.kind)
  return answer
}

t.test('a refused pair is asked about after an hour, a failed one after twelve seconds', async (t) => {
  for (const [how, ms, kind] of [['refuses', HOUR_MS, 'refused'], ['fails', 12_000, 'unavailable']] as const) {
    const { find, clock, exchanges } = openPairs({}, false, (exchange) => exchange === 1 ? how : {})
    t.match(await find('good:secret'), { kind })
    clock.advance(ms - 1)
    t.match(find('good:secret'), { kind }, 'at once')
    t.equal(exchanges(), 1)
    clock.advance(1)
    t.match(await find('good:secret'), { kind: 'good' }, how)
    t.match(find('good:secret'), { kind: 'good' })
  }
})

t.test('what is no pair is refused, and asks nobody', async (t) => {
  const { pairs, exchanges } = openPairs()
  for (const token of ['', '!', Buffer.from('no colon').toString('base64')]) {
    const asked = { token, resource: RESOURCE, from: () => undefined }
    t.match(pairs.find(asked, () => 100, () => undefined), { kind: 'refused', why: 'it is no client id and secret' })
  }
  t.equal(exchanges(), 0)
})

t.test('a client that the route refuses is refused before anybody is asked', async (t) => {
  const { pairs, find, exchanges } = openPairs()
  const asked = { token: Buffer.from('good:secret').toString('base64'), resource: RESOURCE, from: () => undefined }
  const named: string[] = []
  const refuse = (clientId: string): Answer => {
    named.push(clientId)
    return { kind: 'refused', why: 'client= does not name it' }
  }
  t.match(pairs.find(asked, () => 100, refuse), { kind: 'refused', why: 'client= does not name it' })
  t.strictSame([named, exchanges()], [['good'], 0])
  t.match(await find('good:secret'), { kind: 'good' }, 'on a route that takes it')
})

t.test('another resource or secret is another pair', async (t) => {
  const { find, exchanges } = openPairs()
  await find('good:secret')
  for (const [pair, resource] of [['good:other', RESOURCE], ['good:secret', `${RESOURCE}/`]] as const) {
    const before = exchanges()
    await find(pair, resource)
    t.equal(exchanges(), before + 1, pair)
  }
})

t.test('the network of a client is named to the budget', async (t) => {
  const from: unknown[] = []
  const budget = {
    isFull: () => false,
    passed: async () => {},
    limited: () => {},
    taken: () => {},
    spend: async (wanted: object) => from.push((wanted as { from: unknown }).from) > 0
  }
  const { pairs } = openPairs({ budget })
  const asked = { token: Buffer.from('good:secret').toString('base64'), resource: RESOURCE, from: () => '198.51.100.0' }
  await pairs.find(asked, () => 100, () => undefined)
  t.strictSame(from, ['198.51.100.0'])
})

t.test('a pair that is refused at its renewal is refused at once', async (t) => {
  const { find, clock } = openPairs({}, false, (exchange) => exchange === 2 ? 'refuses' : {})
  await find('good:secret')
  clock.advance(RENEWAL_MS)
  t.match(find('good:secret'), { kind: 'good' }, 'until Authgear has said so')
  await turn()
  t.match(find('good:secret'), { kind: 'refused', why: 'invalid_client' })
})

t.test('a failed renewal is tried again after 30 to 60 s, while the token is good', async (t) => {
  for (const [random, waitMs] of [[0, 30_000], [0.5, 45_000]] as const) {
    const { find, clock, exchanges } = openPairs({ random: () => random }, false, (one) => one === 1 ? {} : 'fails')
    await find('good:secret')
    clock.advance(1_600_000)
    await find('good:secret')
    await turn()
    t.equal(exchanges(), 2)
    clock.advance(waitMs - 1)
    await find('good:secret')
    await turn()
    t.equal(exchanges(), 2, `not before ${waitMs} ms`)
    clock.advance(1)
    t.match(find('good:secret'), { kind: 'good' })
    await turn()
    t.equal(exchanges(), 3)
    clock.advance(200_000)
    t.match(await find('good:secret'), { kind: 'unavailable' }, 'it has ended')
  }
})

t.test('who waits for an exchange gives the room back', async (t) => {
  const { find } = openPairs({ waitingBytes: 8 * 1024 + 1000 })
  for (const pair of ['one:wrong', 'two:wrong', 'good:secret']) {
    const first = find(pair)
    t.match(await find(`${pair} of another`), { kind: 'unavailable', error: { reason: 'overloaded' } })
    t.notMatch(await first, { kind: 'unavailable' })
  }
})

t.test('with no bytes for tokens none is remembered', async (t) => {
  const { find, exchanges } = openPairs({ maxBytes: 0 })
  for (const expected of [1, 2]) {
    t.match(await find('good:secret'), { kind: 'good' })
    t.equal(exchanges(), expected)
  }
})

t.test('a revoked token is replaced by a newer one, which all then get', async (t) => {
  const { find, replace, clock, exchanges } = openPairs()
  const old = good(await find('good:secret'))
  clock.advance(YOUNG_MS)
  const [one, other] = await Promise.all([replace('good:secret', old), replace('good:secret', old)])
  t.equal(one, other, 'by one exchange')
  t.equal(exchanges(), 2)
  t.equal(good(one).issuedAt, old.issuedAt + YOUNG_MS)
  t.equal(await replace('good:secret', old), one, 'who comes later has it at once')
  t.equal(find('good:secret'), one)
  t.equal(exchanges(), 2)
})

t.test('a token of the last seven seconds is not replaced: the next would end, too', async (t) => {
  const { find, replace, clock, exchanges } = openPairs()
  const old = good(await find('good:secret'))
  clock.advance(YOUNG_MS - 1)
  t.equal(await replace('good:secret', old), old)
  t.equal(exchanges(), 1)
  clock.advance(1)
  t.not(await replace('good:secret', old), old)
})

t.test('where replacing fails, Authgear is left alone for twelve seconds', async (t) => {
  const { find, replace, clock, exchanges } = openPairs({}, false, (exchange) => exchange === 2 ? 'fails' : {})
  const old = good(await find('good:secret'))
  clock.advance(YOUNG_MS)
  const failed = { kind: 'unavailable', error: { code: 'AUTHGEAR_TIMEOUT' } }
  t.match(await replace('good:secret', old), failed)
  t.equal(find('good:secret'), old, 'other routes may take it')
  clock.advance(11_999)
  t.match(await replace('good:secret', old), failed)
  t.equal(exchanges(), 2)
  clock.advance(1)
  t.match(await replace('good:secret', old), { kind: 'good' })
})

t.test('a pair that turned out wrong while its token was replaced is asked about no more', async (t) => {
  const { find, replace, clock, exchanges } = openPairs({}, false, (exchange) => exchange === 2 ? 'refuses' : {})
  const old = good(await find('good:secret'))
  clock.advance(YOUNG_MS)
  for (let n = 0; n < 2; n++) t.match(await replace('good:secret', old), { kind: 'refused', why: 'invalid_client' })
  t.equal(exchanges(), 2)
})

t.test('who waits for another token has to fit, too', async (t) => {
  const { find, replace, clock, pairs } = openPairs({ waitingBytes: 8 * 1024 + 1000 })
  const old = good(await find('good:secret'))
  clock.advance(YOUNG_MS)
  const asked = { token: Buffer.from('good:secret').toString('base64'), resource: RESOURCE, from: () => undefined }
  t.match(await pairs.replace(asked, () => 100_000, old), { kind: 'unavailable', error: { reason: 'overloaded' } })
  t.match(await replace('good:secret', old), { kind: 'good' })
  t.match(await pairs.replace({ ...asked, token: '!' }, () => 100, old), { kind: 'good' }, 'no pair, no replacement')
})

t.test('of large tokens memory holds fewer', async (t) => {
  const count = async (scope: string): Promise<number> => {
    const { find, exchanges } = openPairs({ maxBytes: 50_000 }, false, () => ({ scope }))
    for (let n = 0; n < 40; n++) await find(`good:${n}`)
    const before = exchanges()
    for (let n = 39; n >= 0; n--) await find(`good:${n}`)
    return 40 - (exchanges() - before)
  }
  const [small, large] = [await count('a'), await count('a'.repeat(2000))]
  t.ok(large > 0 && large < small && small < 40, `${large} and ${small}`)
})
