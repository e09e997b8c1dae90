import t from 'tap'
import type { ClientName } from '../../../src/base/core/client-name.ts'
import { createEntryCodec, type Fields, nonceOf } from '../../../src/base/revocation/codec.ts'
import type { Revocation } from '../../../src/base/revocation/types.ts'
import { credential, EVERYTHING, user } from '../../helpers/log-entry.ts'

const codec = createEntryCodec(Buffer.alloc(32, 1))
const foreign = createEntryCodec(Buffer.alloc(32, 2))
const MINUTES = 60_000
const decode = (fields: Readonly<Record<string, string>>, id = '7-0') => codec.decode(id, fields)

const ROWS: Readonly<Record<string, Revocation | undefined>> = {
  'a user': user('u1', 2000),
  'a user whom the audit log named': { ...user('u1', 200), origin: 'audit' },
  'a user with a name like a number, colons and an astral character': user('12:3:😀'),
  'a credential': credential('c1'),
  'a client that is blocked': {
    target: {
      kind: 'block',
      name: 'https://*.evil.example:8443' as ClientName,
      mark: { at: 1_795_645_996_000, isBlocked: true, origin: 'management' }
    },
    origin: 'management',
    quietMs: 0
  },
  'a client that a later release blocked': {
    target: { kind: 'block', name: 'c' as ClientName, mark: { at: 5, isBlocked: true, origin: 'scanner' } },
    origin: 'management',
    quietMs: 0
  },
  'a user, with fields of a later release': { ...user('u1', 2000), others: { until: '5', why: 'a:b' } },
  everything: EVERYTHING,
  'the first entry of a generation': undefined
}

t.test('reads an encoded entry back completely', async (t) => {
  for (const [what, revocation] of Object.entries(ROWS)) {
    const fields = codec.encode('g', 'p', 'o', revocation)
    const entry = { id: '7-0', nonce: fields.nonce, previous: 'p', generation: 'g', of: 'o', revocation }
    t.strictSame(decode(fields), { provenance: 'authentic', isJunk: false, entry }, what)
  }
})

t.test('one bit of any field, or a field less: it is read as everything', async (t) => {
  for (const [what, revocation] of Object.entries(ROWS)) {
    const fields = codec.encode('g', 'p', 'o', revocation)
    for (const name of Object.keys(fields) as Array<keyof Fields>) {
      const flipped = { ...fields, [name]: flip(fields[name]) }
      const { [name]: _, ...less } = fields
      for (const [how, forged] of [['flipped', flipped], ['left out', less]] as const) {
        if (how === 'left out' && fields[name] === '') continue
        const read = decode(forged)
        t.equal(read.entry.nonce, '', `${what}: ${name} ${how}: it links up with nothing`)
        // of another secret a user stays a user, and the nonce is under no tag
        if ((name === 'secret' && revocation?.target.kind === 'user') || name === 'nonce') continue
        t.match(read, { isJunk: true, entry: { revocation: EVERYTHING } }, `${what}: ${name} ${how}`)
      }
    }
  }
})

t.test('an added field that the writer did not sign makes the entry void', async (t) => {
  const fields = codec.encode('g', 'p', 'o', ROWS['a user, with fields of a later release'])
  const { why: _, ...less } = fields as Readonly<Record<string, string>>
  const moved = [{ ...less, wh: 'ya:b' }, { ...less, until: '51', why: 'a:b' }]
  for (const forged of [{ ...fields, more: 'x' }, less, ...moved]) {
    t.match(decode(forged), { isJunk: true, entry: { nonce: '', revocation: EVERYTHING } }, JSON.stringify(forged))
  }
})

t.test('an entry of a later form voids everything, ends all tokens and keeps the chain', async (t) => {
  const later = codec.encode('g', 'p', 'o', { ...user('u1'), others: { v: '2', how: 'x' } })
  const read = decode(later)
  t.match(read, { provenance: 'authentic', isJunk: false, entry: { nonce: later.nonce, of: 'o' } })
  t.strictSame(read.entry.revocation, { ...EVERYTHING, ends: 0 }, 'it keeps no field that it does not understand')
  const known = codec.encode('g', 'p', 'o', { ...user('u1'), others: { v: '1' } })
  t.match(decode(known).entry.revocation, { target: { kind: 'user' } }, 'the number of this form')
})

t.test('writes what a release without added fields reads', async (t) => {
  const fields = codec.encode('g', 'p', 'o', user('u1', 2000))
  t.strictSame(Object.keys(fields), [
    'gen', 'nonce', 'prev', 'salt', 'of', 'kind', 'value', 'origin', 'quiet', 'ends', 'secret', 'tag'
  ])
  const foreignFields = foreign.encode('g', 'p', 'o', ROWS['a user, with fields of a later release'])
  t.equal(decode(foreignFields).entry.revocation?.others, undefined, 'fields under an unknown secret are not kept')
})

t.test('one field\'s value is never read as another\'s', async (t) => {
  const fields = codec.encode('g', 'n', 'o', user('ab'))
  t.match(decode({ ...fields, prev: 'no', of: '' }), { isJunk: true, entry: { nonce: '' } })
  t.match(decode({ ...fields, kind: 'usera', value: 'b' }), { isJunk: true, entry: { nonce: '' } })
})

t.test('under a secret that is not known a user is a user, all else is everything', async (t) => {
  const read = (revocation: Revocation | undefined) => decode(foreign.encode('g', 'n', 'o', revocation))
  const believed = { provenance: 'foreign', isJunk: false, entry: { revocation: user('u1', 2000) } }
  t.match(read(user('u1', 2000)), believed)
  t.match(read(user('')), { isJunk: true, entry: { revocation: EVERYTHING } }, 'a user without a name')
  for (const revocation of [credential('c1'), ROWS['a client that is blocked'], EVERYTHING, undefined]) {
    t.match(read(revocation), { provenance: 'foreign', isJunk: true, entry: { revocation: EVERYTHING } })
  }
})

t.test('no entry asks for more than 15 minutes of quiet, or for less than none', async (t) => {
  const quietOf = (quiet: string) =>
    decode({ ...foreign.encode('g', 'n', 'o', user('u1')), quiet }).entry.revocation?.quietMs
  for (const quiet of ['0', '1', '2000', String(15 * MINUTES)]) t.equal(quietOf(quiet), Number(quiet), quiet)
  for (const quiet of [String(15 * MINUTES + 1), '-1', 'NaN', 'Infinity', '1e99', 'soon']) {
    t.equal(quietOf(quiet), 15 * MINUTES, quiet)
  }
})

t.test('garbage is everything, and never throws', async (t) => {
  const garbage: ReadonlyArray<Readonly<Record<string, string>>> = [
    {},
    { tag: '' },
    { tag: '!'.repeat(10_000) },
    { x: 'y' },
    { kind: 'user' },
    { kind: 'generation' },
    { constructor: 'x', toString: 'y' },
    Object.fromEntries([['__proto__', 'x']]),
    { ...codec.encode('g', 'n', 'o', EVERYTHING), kind: 'nothing' }
  ]
  for (const fields of garbage) {
    for (const id of ['7-0', '', 'x', '-']) {
      t.match(decode(fields, id), { isJunk: true, entry: { id, revocation: EVERYTHING } }, JSON.stringify(fields))
    }
  }
})

function flip (text: string): string {
  return String.fromCharCode((text.codePointAt(0) ?? 0) ^ 1) + text.slice(1)
}

t.test('an entry under an unknown secret names its client or token, and ends no token', async (t) => {
  for (const target of [{ kind: 'client', clientId: 'c1' }, { kind: 'token', id: 't1' }] as const) {
    const revocation: Revocation = { target, origin: 'management', quietMs: 0, ends: 0 }
    const read = decode(foreign.encode('g', 'n', 'o', revocation))
    t.match(read, { provenance: 'foreign', isJunk: false, entry: { revocation: { target } } }, target.kind)
    t.equal(read.entry.revocation?.ends, undefined)
    const { nonce: _, ...content } = { ...foreign.encode('g', 'n', 'o', revocation), value: '' }
    const unnamed = decode({ ...content, nonce: nonceOf(content, content.tag) })
    t.match(unnamed, { isJunk: true, entry: { revocation: EVERYTHING } }, 'without a name')
  }
})

t.test('while CACHE_SECRET is rotated', async (t) => {
  const [OLD, NEW] = [Buffer.alloc(32, 2), Buffer.alloc(32, 1)]
  let isWritten = true
  const both = createEntryCodec(NEW, { logKey: OLD, isWritten: () => isWritten })
  const [old, current] = [foreign, codec]
  const readBy = (reader: typeof both, fields: Fields) => reader.decode('7-0', fields)

  t.test('entries under either secret are authentic', async (t) => {
    for (const [what, revocation] of Object.entries(ROWS)) {
      for (const [writer, digest] of [[old, '~c1'], [current, 'c1']] as const) {
        const read = readBy(both, writer.encode('g', 'p', 'o', revocation))
        const expected = revocation?.target.kind === 'credential' ? credential(digest) : revocation
        t.match(read, { provenance: 'authentic', isJunk: false }, what)
        t.strictSame(read.entry.revocation, expected, what)
      }
    }
  })

  t.test('an entry without a credential is written under the secret all replicas have', async (t) => {
    for (const [writesOld, reader, other] of [[true, old, current], [false, current, old]] as const) {
      isWritten = writesOld
      const token: Revocation = { target: { kind: 'token', id: 't1' }, origin: 'management', quietMs: 0, ends: 0 }
      for (const revocation of [user('u1'), token, EVERYTHING, undefined]) {
        const fields = both.encode('g', 'p', 'o', revocation)
        t.equal(readBy(reader, fields).provenance, 'authentic')
        t.equal(readBy(other, fields).provenance, 'foreign')
      }
    }
  })

  t.test('a credential is written under the secret of its digest, whichever is written', async (t) => {
    for (const writesOld of [true, false]) {
      isWritten = writesOld
      for (const [digest, reader, other] of [['~c1', old, current], ['c1', current, old]] as const) {
        const fields = both.encode('g', 'p', 'o', credential(digest))
        t.equal(fields.value, 'c1', 'the mark does not leave the process')
        t.strictSame(readBy(reader, fields).entry.revocation, credential('c1'))
        t.strictSame(readBy(both, fields).entry.revocation, credential(digest))
        t.strictSame(readBy(other, fields).entry.revocation, EVERYTHING, 'never a name that voids nothing')
      }
    }
    const fields = current.encode('g', 'p', 'o', credential('~c1'))
    t.strictSame(readBy(current, fields).entry.revocation, EVERYTHING, 'nor where the secret is gone')
  })

  t.test('a tag of neither, and of the one under the id of the other, is refused', async (t) => {
    const third = createEntryCodec(Buffer.alloc(32, 3)).encode('g', 'p', 'o', credential('c1'))
    t.match(readBy(both, third), { provenance: 'foreign', isJunk: true, entry: { revocation: EVERYTHING } })
    const [ofOld, ofNew] = [old, current].map((writer) => writer.encode('g', 'p', 'o', credential('c1')))
    const { nonce: _, ...content } = { ...ofOld as Fields, secret: ofNew?.secret ?? '' }
    const fields = { ...content, nonce: nonceOf(content, content.tag) }
    t.match(readBy(both, fields), { provenance: 'forged', isJunk: true, entry: { revocation: EVERYTHING } })
  })
})
