import t from 'tap'
import { createInterner } from '../../../src/base/cache/intern.ts'
import type { CredentialDigest } from '../../../src/base/core/cache-key.ts'
import { readResolution } from '../../../src/base/core/resolution.ts'
import { entryOf } from '../../helpers/entry.ts'

const identified = (...values: ReadonlyArray<readonly [string, string]>) => {
  const reading = readResolution([['x-authgear-session-valid', 'true'] as const, ...values].flat())
  if (reading.kind !== 'resolution') throw new Error('no resolution')
  return reading.resolution
}
const someone = (id: string, roles: string) =>
  identified(['x-authgear-user-id', id], ['x-authgear-user-roles', roles],
    ['x-authgear-session-authenticated-at', '1795572256'])

t.test('memory keeps every field of an entry', async (t) => {
  const compact = createInterner()
  const entries = {
    'a person': entryOf({ resolution: someone('alice', 'admin') }),
    'another with the same roles': entryOf({ resolution: someone('bob', 'admin') }),
    'the first again, with another role': entryOf({ resolution: someone('alice', 'editor') }),
    'one of whom Authgear sent little': entryOf({ resolution: identified(['x-authgear-user-id', 'carol']) }),
    'roles too long to be shared': entryOf({ resolution: someone('dave', 'r'.repeat(300)) }),
    nobody: entryOf({ resolution: { kind: 'invalid', noIdentityHeaders: false } }),
    silence: entryOf({ resolution: { kind: 'invalid', noIdentityHeaders: true } }),
    'a digest cut from a longer text': entryOf({
      digests: ['a'.repeat(43).slice(0, 22)] as unknown as readonly CredentialDigest[]
    })
  }
  for (const [name, entry] of Object.entries(entries)) t.same(compact(entry), entry, name)
})

t.test('a thousand different values later each still stands for itself', async (t) => {
  const compact = createInterner()
  for (let index = 0; index < 2500; index++) {
    const entry = entryOf({ resolution: someone(`user-${index}`, `role_${index % 1200}`) })
    t.same(compact(entry), entry)
  }
})

t.test('a stamp is shared only by entries of the very same place in the log', async (t) => {
  const compact = createInterner()
  const stamps = [
    ['g1', '1-0', 'n1'],
    ['g1', '1-0', 'n2'],
    ['g1', '2-0', 'n2'],
    ['g2', '2-0', 'n2'],
    ['g1', '1-0', 'n1']
  ] as const
  for (const [generation, id, nonce] of stamps) {
    const stamp = { generation, position: { id, nonce } }
    t.same(compact(entryOf({ stamp })).stamp, stamp)
  }
  const [one, two] = [compact(entryOf({})), compact(entryOf({}))]
  t.equal(one.stamp, two.stamp, 'and then it is one object')
})
