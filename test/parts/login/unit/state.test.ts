import fc from 'fast-check'
import t from 'tap'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import { holds } from '../../../helpers/property.ts'

const { seal, open } = createSeal('a secret of the tests, 32 bytes!')
const VALUE = { returnTo: 'https://app.example.com/', n: 1 }
const STATE = seal('state', VALUE)

t.test('opens what it sealed, for the same purpose only', async (t) => {
  t.strictSame(open('state', STATE), VALUE)
  t.equal(open('browser', STATE), undefined)
  t.equal(open('logout', STATE), undefined)
  t.not(seal('state', VALUE), STATE, 'no two are alike')
  t.match(STATE, /^[\w-]+$/, 'stands in an address and in a cookie as it is')
  t.notOk(Buffer.from(STATE, 'base64url').includes('app.example'), 'and cannot be read')
})

t.test('another secret opens nothing', async (t) => {
  t.equal(createSeal('another secret of tests, 32 byte').open('state', STATE), undefined)
})

t.test('what the previous secret sealed is opened, and nothing is sealed with it', async (t) => {
  const [OLD, NEW] = ['a secret of the tests, 32 bytes!', 'the secret after the rotation, 32']
  const rotating = createSeal(NEW, OLD)
  t.strictSame(rotating.open('state', STATE), VALUE)
  t.equal(rotating.open('browser', STATE), undefined, 'for the same purpose only')
  const sealed = rotating.seal('state', VALUE)
  t.strictSame(rotating.open('state', sealed), VALUE)
  t.strictSame(createSeal(NEW).open('state', sealed), VALUE)
  t.equal(open('state', sealed), undefined)
  t.equal(createSeal(NEW).open('state', STATE), undefined, 'no more after the rotation')
  t.equal(rotating.open('state', createSeal('a third secret of tests, 32 bytes').seal('state', VALUE)), undefined)
})

t.test('no other text opens', async (t) => {
  const bits = [...Buffer.from(STATE, 'base64url')].flatMap((_, i) => [0x01, 0x80].map((bit) => {
    const bytes = Buffer.from(STATE, 'base64url')
    bytes[i] = (bytes[i] ?? 0) ^ bit
    return bytes.toString('base64url')
  }))
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const otherEnds = [...alphabet].map((end) => STATE.slice(0, -1) + end).filter((text) => text !== STATE)
  const others = [
    ...bits,
    ...otherEnds,
    '',
    'x',
    STATE.slice(1),
    STATE.slice(0, -4),
    `${STATE}A`,
    `${STATE}=`,
    ` ${STATE}`,
    `${STATE}\n`,
    STATE.replaceAll(/[-_]/g, '+'),
    `${STATE}.`,
    'A'.repeat(5000)
  ].filter((text) => text !== STATE)
  for (const text of others) if (open('state', text) !== undefined) t.fail(`opened ${text}`)
  t.ok(others.length > 200)
  const strings = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 300 })
  await holds(t, fc.property(strings, (text) => open('state', text) === undefined), 500)
})
