import t from 'tap'
import { createFailoverCheck } from '../../../src/base/revocation/failover-check.ts'

/** Another entry came after the one that was answered, which an earlier snapshot had shown. */
const later = (server: string) => ({
  entries: [['2-0', { nonce: 'y' }]] as const,
  length: 2,
  head: { generation: 'g', nonce: 'y', id: '2-0', replicationId: '', since: 0, first: '' },
  isReadable: true,
  isMaster: true,
  acknowledged: [],
  offset: undefined,
  replicationId: '',
  server,
  now: 0
})

/** @returns which connections were renewed */
function renewed (writer: string | undefined, reader: string, after = '0-0'): string[] {
  const names: string[] = []
  const failoverCheck = createFailoverCheck(
    { follower: { renew: () => names.push('follower') }, publisher: { renew: () => names.push('publisher') } },
    () => writer,
    { monotonic: () => 0 }
  )
  failoverCheck.answered({ kind: 'written', id: '1-0' }, { gen: 'g', nonce: 'x' })
  failoverCheck.check(later(reader), failoverCheck.expect(), after, 1000)
  return names
}

t.test('leaves two connections to one named server alone', async (t) => {
  t.strictSame(renewed('a', 'a'), [])
})

t.test('without names an answer after its entry was read is no sign of two servers', async (t) => {
  t.strictSame(renewed(undefined, '', '1-0'), [])
})

t.test('two connections to different servers reconnect', async (t) => {
  t.strictSame(renewed('b', 'a'), ['follower', 'publisher'])
  t.strictSame(renewed(undefined, ''), ['follower', 'publisher'])
})
