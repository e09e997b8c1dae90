import t from 'tap'
import { TokenCallFailed } from '../../../../src/base/errors.ts'
import type { TokenEndpoint, Tokens } from '../../../../src/parts/login/oidc/token-endpoint.ts'
import type { SessionRecord, SessionRef } from '../../../../src/parts/login/sessions/record.ts'
import { createRotation } from '../../../../src/parts/login/sessions/rotation.ts'

const TARGET = {} as SessionRef
const recordOf = (rotates?: boolean) => ({ refreshToken: 'before', rotates }) as SessionRecord
const answerOf = (refreshToken?: string) => ({ accessToken: 'access', refreshToken }) as Tokens

/** @param refresh Authgear's token endpoint */
function worldOf (refresh: (isLate: (() => void) | undefined) => Promise<Tokens>) {
  const told: string[] = []
  const tokens: Pick<TokenEndpoint, 'refresh'> = {
    refresh: (_token, _trace, _digests, isLate) => refresh(isLate)
  }
  return { told, ...createRotation({ tokens, timeoutMs: 5000, rotates: () => told.push('it rotates') }) }
}

t.test('whether tokens rotate is unknown until an answer or a record says so', async (t) => {
  const { isKnown, isOff } = worldOf(async () => answerOf())
  t.strictSame([isKnown(recordOf()), isOff(recordOf())], [false, false])
  t.strictSame([isKnown(recordOf(false)), isOff(recordOf(false))], [true, true])
  t.strictSame([isKnown(recordOf(true)), isOff(recordOf(true))], [true, false])
})

t.test('one record that rotates makes it careful with records that say nothing', async (t) => {
  const { isOff, learn } = worldOf(async () => answerOf())
  learn(recordOf())
  t.equal(isOff(recordOf()), false)
  learn(recordOf(false))
  t.equal(isOff(recordOf()), true)
  learn(recordOf())
  t.equal(isOff(recordOf()), true, 'a record that says nothing changes nothing')
  learn(recordOf(true))
  t.equal(isOff(recordOf()), false)
  learn(recordOf(false))
  t.equal(isOff(recordOf()), false, 'for good')
})

t.test('an answer of its own counts more than any record', async (t) => {
  const answers = [answerOf('before'), answerOf('next'), answerOf('another'), answerOf()]
  const { isOff, refresh, told } = worldOf(async () => answers.shift() ?? answerOf())
  t.equal((await refresh(TARGET, recordOf(true), () => {})).accessToken, 'access')
  t.equal(isOff(recordOf(true)), true, 'the same token came back')
  t.strictSame(told, [])
  await refresh(TARGET, recordOf(), () => {})
  t.equal(isOff(recordOf(false)), false, 'another token came')
  t.strictSame(told, ['it rotates'])
  await refresh(TARGET, recordOf(), () => {})
  t.strictSame(told, ['it rotates'], 'said once')
  await refresh(TARGET, recordOf(), () => {})
  t.equal(isOff(recordOf()), true, 'no token is the old one')
})

t.test('a late answer that may hold the next token is waited for', async (t) => {
  for (const rotates of [undefined, true]) {
    let come = (_tokens: Tokens): void => {}
    const { refresh, learn } = worldOf((isLate) => {
      isLate?.()
      return new Promise((resolve) => { come = resolve })
    })
    const waiting = refresh(TARGET, recordOf(rotates), () => {})
    learn(recordOf(true))
    come(answerOf('next'))
    t.equal((await waiting).refreshToken, 'next')
  }
})

t.test('a late answer is waited for, until it is known that it holds no token', async (t) => {
  let late = 0
  const { learn, refresh } = worldOf((isLate) => {
    isLate?.()
    return new Promise(() => {})
  })
  const waiting = refresh(TARGET, recordOf(), () => { late++ })
  t.equal(late, 1)
  learn(recordOf(false))
  await t.rejects(waiting, TokenCallFailed)
})
