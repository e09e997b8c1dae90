import t from 'tap'
import type { CredentialDigest } from '../../../src/base/core/cache-key.ts'
import { decodeEntry, encodeEntry, ENTRY_VERSION } from '../../../src/base/cache/entry-codec.ts'
import type { Entry } from '../../../src/base/core/entry.ts'
import { IDENTITY_HEADERS } from '../../../src/base/core/resolution.ts'
import { NO_LOG } from '../../helpers/no-log.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { entryOf } from '../../helpers/entry.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'

const digests = (count: number): readonly CredentialDigest[] =>
  Array.from({ length: count }, (_, i) => `digest${i}` as CredentialDigest)

const kept: Readonly<Record<string, Partial<Entry>>> = {
  somebody: {},
  'somebody without roles': { resolution: validResolution({ 'user-roles': undefined }) },
  nobody: { resolution: INVALID },
  'a silent refusal': { resolution: SILENT },
  'no revocation log': { stamp: NO_LOG },
  'no digest': { digests: [] },
  'as many digests as four credentials have': { digests: digests(6) },
  'a life of one millisecond': { ttlMs: 1 },
  'a text beyond ASCII': { stamp: { generation: 'gén\u0142', position: { id: '0-0', nonce: '\u{1f512}' } } }
}

t.test('decodes what it encoded', async t => {
  for (const [what, some] of Object.entries(kept)) {
    t.strictSame(decodeEntry(encodeEntry(entryOf(some))), entryOf(some), what)
  }
})

/** The encoded fields of a good entry, with one of them replaced. */
function encodedWith (index: number, value: unknown): Buffer {
  const fields = JSON.parse(encodeEntry(entryOf()).subarray(1).toString('utf8')) as unknown[]
  return Buffer.concat([
    Buffer.of(1),
    Buffer.from(JSON.stringify(fields.map((field, i) => (i === index ? value : field))))
  ])
}

const FIELDS = ['resolution', 'generation', 'position id', 'position nonce', 'digests', 'ttlMs', 'sealedAt'] as const
const wrong: Readonly<Record<(typeof FIELDS)[number], readonly unknown[]>> = {
  resolution: [
    null,
    1,
    'true',
    {},
    [],
    ['true'],
    Array(8).fill(null),
    ['false', 'u', null, null, null, null, null, null]
  ],
  generation: [null, 1, true, ['g'], {}],
  'position id': [null, 1, false, ['0-0'], {}],
  'position nonce': [null, 1, false, [], {}],
  digests: [null, 'd', {}, [1], ['d', null], [['d']], { length: 1, 0: 'd' }, digests(7)],
  ttlMs: [null, '30000', 0, -1, true, [1], {}],
  sealedAt: [null, '1800000000000', 0, -1, true, [1], {}]
}

t.test('every field broken in turn makes it no entry', async t => {
  FIELDS.forEach((field, index) => {
    for (const value of wrong[field]) {
      t.equal(decodeEntry(encodedWith(index, value)), undefined, `${field}: ${JSON.stringify(value)}`)
    }
  })
})

const good = encodeEntry(entryOf())
const text = good.subarray(1).toString('utf8')
const encoded = (version: number, json: string): Buffer => Buffer.concat([Buffer.of(version), Buffer.from(json)])

t.test('another number of identity headers is another version of the entry', async t => {
  t.strictSame([ENTRY_VERSION, IDENTITY_HEADERS.length, (JSON.parse(text) as unknown[]).length], [1, 8, 7],
    'raise ENTRY_VERSION with either number, then write all here: replicas of both versions share one Redis')
})

const others: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['nothing', Buffer.alloc(0)],
  ['the version alone', Buffer.of(ENTRY_VERSION)],
  ['no version', good.subarray(1)],
  ['version 0', encoded(0, text)],
  ['the version of a later release', encoded(ENTRY_VERSION + 1, text)],
  ['version 255', encoded(255, text)],
  ['no JSON', encoded(ENTRY_VERSION, 'x')],
  ['an object', encoded(ENTRY_VERSION, '{"resolution":true}')],
  ['null', encoded(ENTRY_VERSION, 'null')],
  ['a text', encoded(ENTRY_VERSION, '"abcdefg"')],
  ['too few fields', encoded(ENTRY_VERSION, JSON.stringify(JSON.parse(text).slice(0, 6)))],
  ['too many fields', encoded(ENTRY_VERSION, JSON.stringify([...JSON.parse(text), 1]))],
  ['something behind it', encoded(ENTRY_VERSION, `${text} 1`)],
  ['a time that no number holds', encoded(ENTRY_VERSION, text.replace(/,\d+\]$/, ',1e999]'))],
  ['a life that no number holds', encoded(ENTRY_VERSION, text.replace(/,\d+,(\d+)\]$/, ',1e999,$1]'))]
]

t.test('rejects anything but an entry of this version', async t => {
  t.same(decodeEntry(encoded(ENTRY_VERSION, text)), entryOf(), 'the control')
  for (const [what, bytes] of others) t.equal(decodeEntry(bytes), undefined, what)
})

t.test('rejects an entry truncated anywhere', async t => {
  for (let length = 0; length < good.length; length++) {
    if (decodeEntry(good.subarray(0, length)) !== undefined) t.fail(`the first ${length} bytes are taken for one`)
  }
})

t.test('bytes from a larger buffer and from a plain Uint8Array are read alike', async t => {
  const larger = Buffer.concat([Buffer.alloc(9, 0xff), good, Buffer.alloc(9, 0xff)])
  t.strictSame(decodeEntry(larger.subarray(9, 9 + good.length)), entryOf())
  t.strictSame(decodeEntry(new Uint8Array(good)), entryOf())
  t.equal(entryOf().sealedAt satisfies EpochMs, decodeEntry(good)?.sealedAt)
})
