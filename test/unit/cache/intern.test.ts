import t from 'tap'
import { createInterner, isSmallInteger } from '../../../src/base/cache/intern.ts'
import { createMemoryCache } from '../../../src/base/cache/memory.ts'
import type { CredentialDigest } from '../../../src/base/core/cache-key.ts'
import { readResolution } from '../../../src/base/core/resolution.ts'
import { fieldsOf } from '../../helpers/cache-contract.ts'
import { entryOf } from '../../helpers/entry.ts'
import { identityOf, INVALID, SILENT } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import { keyOf } from '../../helpers/redis-tier.ts'

const A = keyOf('a')

const identified = (...values: ReadonlyArray<readonly [string, string]>) => {
  const reading = readResolution([['x-authgear-session-valid', 'true'] as const, ...values].flat())
  if (reading.kind !== 'resolution') throw new Error('no resolution')
  return reading.resolution
}
const someone = (id: string, roles: string, at = '1795572256') =>
  identified(['x-authgear-user-id', id], ['x-authgear-user-roles', roles],
    ['x-authgear-session-authenticated-at', at])
const withDigests = (...digests: readonly string[]) =>
  entryOf({ digests: digests as unknown as readonly CredentialDigest[] })

function compacting () {
  const cache = createMemoryCache({ maxEntries: 5000, maxBytes: 2 ** 30, clock: manualClock() })
  return (entry: ReturnType<typeof entryOf>) => {
    cache.write(A, entry, 1000)
    const read = cache.read(A)
    if (read.kind !== 'hit') throw new Error('it is not there')
    return fieldsOf(read.entry)
  }
}

t.test('memory keeps every field of an entry', async (t) => {
  const compact = compacting()
  const entries = {
    'a person': entryOf({ resolution: someone('alice', 'admin') }),
    'another with the same roles': entryOf({ resolution: someone('bob', 'admin') }),
    'the first again, with another role': entryOf({ resolution: someone('alice', 'editor') }),
    'one of whom Authgear sent little': entryOf({ resolution: identified(['x-authgear-user-id', 'carol']) }),
    'roles too long to be shared': entryOf({ resolution: someone('dave', 'r'.repeat(300)) }),
    'roles that look like a list of values': entryOf({ resolution: someone('erin', 'admin",null,"x') }),
    nobody: entryOf({ resolution: INVALID }),
    silence: entryOf({ resolution: SILENT }),
    'without digests': withDigests(),
    'a digest cut from a longer text': withDigests('a'.repeat(43).slice(0, 22)),
    'six digests': withDigests('d1', 'd2', 'd3', 'd4', 'd5', 'd6'),
    ...Object.fromEntries(['0', '007', '1e3', ' 1', '-1', '2147483647', '2147483648', '9'.repeat(30), '', '1.0']
      .map((at) => [`signed in at "${at}"`, entryOf({ resolution: someone('frank', 'admin', at) })]))
  }
  for (const [name, entry] of Object.entries(entries)) t.strictSame(compact(entry), entry, name)
})

t.test('a thousand different values later each still stands for itself', async (t) => {
  const compact = compacting()
  for (let index = 0; index < 2500; index++) {
    const entry = entryOf({ resolution: someone(`user-${index}`, `role_${index % 1200}`) })
    t.strictSame(compact(entry), entry)
  }
})

t.test('people share what is not their own, and only where all of it is the same', async (t) => {
  const { sharedOf } = createInterner()
  const alice = sharedOf(identityOf({ 'user-id': 'alice', 'session-authenticated-at': '1' }))
  t.equal(sharedOf(identityOf({ 'user-id': 'bob', 'session-authenticated-at': '2' })), alice)
  t.notMatch(JSON.stringify(alice), /alice|"1"/)
  for (const name of ['user-anonymous', 'user-verified', 'user-roles', 'session-amr', 'user-can-reauthenticate']) {
    for (const value of ['', 'null', undefined]) {
      const other = sharedOf(identityOf({ [name]: value }))
      if (identityOf({ [name]: value }).join() !== identityOf().join()) t.not(other, alice, `${name}=${value}`)
    }
  }
})

t.test('only the text of a small whole number becomes one', async (t) => {
  for (const text of ['0', '7', '1795572256', '2147483647']) t.equal(isSmallInteger(text), true, text)
  for (const text of ['', '00', '01', '+1', '-1', '-0', '1.0', '1e3', '0x1', '1 ', '2147483648', 'NaN', 'Infinity']) {
    t.equal(isSmallInteger(text), false, text)
  }
})

t.test('a stamp is shared only by entries of the very same place in the log', async (t) => {
  const { stampOf } = createInterner()
  const stamps = [
    ['g1', '1-0', 'n1'],
    ['g1', '1-0', 'n2'],
    ['g1', '2-0', 'n2'],
    ['g2', '2-0', 'n2'],
    ['g1', '1-0', 'n1']
  ] as const
  for (const [generation, id, nonce] of stamps) {
    const stamp = { generation, position: { id, nonce } }
    t.same(stampOf(stamp), stamp)
  }
  const { stamp } = entryOf()
  t.equal(stampOf({ ...stamp }), stampOf({ ...stamp }), 'and then it is one object')
})
