import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeResolution, encodeResolution } from '../../../src/base/cache/entry-codec.ts'
import { IDENTITY_HEADERS, readResolution, type Resolution } from '../../../src/base/core/resolution.ts'
import { holds } from '../../helpers/property.ts'
import { headersOf, identityOf, INVALID, SILENT, validResolution } from '../../helpers/identity.ts'

const roundTrip = (resolution: Resolution): unknown =>
  decodeResolution(JSON.parse(JSON.stringify(encodeResolution(resolution))))

t.test('decodes what it encoded', async t => {
  for (const resolution of [
    INVALID,
    SILENT,
    validResolution(),
    validResolution({ 'user-roles': undefined }),
    validResolution({ 'user-roles': '' })
  ]) {
    t.strictSame(roundTrip(resolution), resolution)
  }
})

t.test('every readable answer survives the codec', async t => {
  const value = fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 20 }), { nil: undefined })
  const others = IDENTITY_HEADERS.length - 1
  await holds(
    t,
    fc.property(
      fc.constantFrom('true', 'false'),
      fc.array(value, { minLength: others, maxLength: others }),
      (verdict, [id, ...rest]) => {
        const reading = readResolution(headersOf([verdict, id, ...rest]))
        if (reading.kind === 'resolution') deepEqual(roundTrip(reading.resolution), reading.resolution)
      }
    ),
    300
  )
})

const whole = identityOf({ 'user-roles': undefined }).map(value => value ?? null)
const but = (index: number, value: unknown): unknown[] => whole.map((one, i) => i === index ? value : one)

const hostile: readonly (readonly [what: string, value: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 1],
  ['zero', 0],
  ['a text', 'true'],
  ['an object', { kind: 'valid', userId: 'eve' }],
  ['an object that looks like a list', { ...whole }],
  ['an empty list', []],
  ['one value too few', whole.slice(0, -1)],
  ['one value too many', [...whole, null]],
  ['nulls', whole.map(() => null)],
  ['the verdict false', but(0, 'false')],
  ['the verdict TRUE', but(0, 'TRUE')],
  ['the verdict a boolean', but(0, true)],
  ['no verdict', but(0, null)],
  ['no user id', but(1, null)],
  ['an empty user id', but(1, '')],
  ['a user id that is a number', but(1, 7)],
  ['a user id that is a list', but(1, ['eve'])],
  ['a user id that is an object', but(1, { toString: 'eve' })],
  ['a role that is a boolean', but(4, false)],
  ['a control byte', but(1, 'a\r\nx-authgear-user-roles: root')],
  ['a byte beyond ASCII', but(1, 'caf\xe9')],
  ['an identity over 12 KiB', but(4, 'r'.repeat(13_000))]
]

t.test('anything else is not a resolution', async t => {
  for (const [what, value] of hostile) t.equal(decodeResolution(value), undefined, what)
})

t.test('whatever JSON holds, it is undefined or exactly what would be encoded so', async (t) => {
  await holds(
    t,
    fc.property(
      fc.oneof(fc.jsonValue(), fc.array(fc.constantFrom('true', 'a', '', null, 1), { minLength: 8, maxLength: 8 })),
      (value) => {
        const resolution = decodeResolution(value)
        return resolution === undefined || JSON.stringify(encodeResolution(resolution)) === JSON.stringify(value)
      }
    )
  )
})

t.test('a decoded identity is frozen, as a read one is', async t => {
  const decoded = decodeResolution(whole)
  t.ok(Object.isFrozen(decoded) && decoded?.kind === 'valid' && Object.isFrozen(decoded.identity))
})
