import t, { type Test } from 'tap'
import { createClosers } from '../../../src/app/closers.ts'
import { createFeatures, mustFit } from '../../../src/app/features.ts'
import { listenersOf, vetoOf } from '../../../src/app/listeners.ts'
import { deriveKeys } from '../../../src/base/core/cache-key.ts'
import { PLAIN_TEXT } from '../../../src/base/http/pages.ts'
import { createLog } from '../../../src/base/logging/log.ts'
import type { Feature } from '../../../src/base/parts/feature.ts'
import { settingsOf } from '../../helpers/in-process.ts'

const fail = (): never => { throw new Error('it fails') }
const headers = (...names: readonly string[]) => ({ headers: { names, route: fail } })
const sends = (...names: readonly string[]) => ({ sends: { flag: 'part', usage: 'its headers', names } })

/** @returns what tries whether a part may announce so much, and have so much */
const fitting = (announced: object, feature: Feature) => () =>
  mustFit({ name: 'maintenance', sends: undefined, claims: {}, ...announced }, feature)

for (const [announced, says, place, feature] of [
  ['sends', sends('x-one'), 'headers', headers('x-one')],
  ['reopens', { claims: { reopens: true } }, 'reopen', { reopen: fail }]
] as const) {
  t.test(`a part says \`${announced}\` and has \`${place}\`, or neither`, async (t) => {
    t.throws(fitting({}, feature), { message: `${place}` })
    t.throws(fitting(says, {}), { message: `${announced}` })
    t.doesNotThrow(fitting(says, feature))
  })
}

t.test('a part adds the headers that it says it sends: proxies take those from clients', async (t) => {
  t.throws(fitting(sends('x-one', 'x-two'), headers('x-one', 'x-three')), { message: /x-one, x-three.*x-one, x-two/ })
  t.throws(fitting(sends('x-one'), headers('x-one', 'x-two')))
  t.throws(fitting(sends('x-one', 'x-two'), headers('x-one')))
  t.doesNotThrow(fitting(sends('x-one', 'x-two'), headers('x-two', 'x-one')))
})

/** @param some are opened under the names `part 0`, `part 1` … */
async function opened (t: Test, ...some: readonly Feature[]) {
  const lines: string[] = []
  const log = createLog('error', { write: (line: string) => { lines.push(JSON.parse(line).part) } })
  const closers = createClosers()
  t.teardown(closers.close)
  const settings = await settingsOf({ AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const features = createFeatures({ ...settings, parts: [] }, { metrics: {} as never, log, closers })
  const open = (name: string, feature: Feature, announced: object = {}) => features.open({
    name, status: {}, sends: undefined, claims: {}, ...announced, register: () => () => ({ ...feature, gauges: {} })
  }, {})
  some.forEach((feature, index) => open(`part ${index}`, feature))
  return { features, open, lines, close: closers.close }
}

t.test('a part that fails keeps nothing from the log, nor from other parts', async (t) => {
  const told: string[] = []
  const { features, lines } = await opened(t, { taken: fail, pending: fail, leave: fail },
    { taken: () => told.push('taken'), pending: () => told.push('pending'), leave: () => told.push('leave') })
  const log = { revoke: async () => { told.push('logged'); return 'pending' as const } }
  t.equal(await features.heard(log as never).revoke({} as never), 'pending')
  features.tell(({ leave }) => leave?.())
  t.strictSame(told, ['taken', 'logged', 'pending', 'leave'])
  t.strictSame(lines, ['part 0', 'part 0', 'part 0'], 'each is logged')
})

t.test('a decision is reported, whatever its observers do', async (t) => {
  const told: string[] = []
  const report = (): void => { told.push('report') }
  const nobody = await opened(t, {}, {})
  t.equal(nobody.features.observed(report), report)
  const { features, lines } = await opened(t, { decided: fail }, {}, { decided: () => { told.push('observed') } })
  features.observed(report)({} as never, {} as never)
  t.strictSame([told, lines], [['report', 'observed'], ['part 0']])
})

t.test('a header or an observer that comes too late to count is an error', async (t) => {
  const { features, open } = await opened(t)
  features.headers()
  t.throws(() => open('late', headers('x-one'), sends('x-one')), { message: 'late' })
  t.throws(() => open('late', { decided: () => {} }), { message: 'late' })
  t.doesNotThrow(() => open('others', { leave: () => {} }))
})

t.test('a part that is on and that nothing opens is an error', async (t) => {
  const settings = await settingsOf({ AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const parts = [{ name: 'part', status: {}, sends: undefined, claims: {}, register: fail }]
  const features = createFeatures({ ...settings, parts }, {
    metrics: {} as never, log: { error: fail }, closers: createClosers()
  })
  t.throws(features.mustBeOpen, { message: /it is on, and service.ts does not open it/ })
})

t.test('what was opened last is closed first, whatever one says, and once', async (t) => {
  const closed: string[] = []
  const { open, close } = await opened(t)
  open('first', { close: () => { closed.push('first') } })
  open('fails', { close: () => { closed.push('fails'); fail() } })
  open('last', { close: async () => { closed.push('last') } })
  await t.rejects(close(), { message: 'it fails' })
  t.strictSame(closed, ['last', 'fails', 'first'])
  await close()
  t.equal(closed.length, 3)
})

t.test('a part that vetoes says why', async (t) => {
  const veto = (reason: 'overloaded' | undefined) => vetoOf(() => reason, 'https://auth.example.com', PLAIN_TEXT)
  t.equal(vetoOf(undefined, 'https://auth.example.com', PLAIN_TEXT), undefined)
  const program = { rawHeaders: [], requestId: 'id-1' }
  t.equal(veto(undefined)?.(program), undefined)
  const vetoed = veto('overloaded')
  t.match(vetoed?.(program), { reason: 'overloaded', response: { status: 503, body: /"error":"overloaded"/ } })
  t.equal(vetoed?.(program)?.response, vetoed?.(program)?.response, 'prepared once for programs')
  const person = { rawHeaders: ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'], requestId: 'id-2' }
  t.match(vetoed?.(person), { response: { status: 503, body: /id-2/ } }, 'a page for a person')
})

t.test('a part claims that it listens and has a listener, or neither', async (t) => {
  const listener = { drain: {} } as never
  const listens = { variable: 'LISTEN_PART', address: { kind: 'unix', path: '/part' } } as const
  t.throws(() => listenersOf([{ name: 'part', claims: {} }], { part: listener }), { message: 'part part' })
  t.throws(() => listenersOf([{ name: 'part', claims: { listens } }], {}), { message: 'part part' })
  t.strictSame(listenersOf([{ name: 'other', claims: {} }], {}), [])
  t.match(listenersOf([{ name: 'part', claims: { listens } }], { part: listener }), [{ variable: 'LISTEN_PART' }])
})

t.test('a part gets no key of the base', async (t) => {
  const { of, digest } = deriveKeys(new Uint8Array(32))
  for (const purpose of ['digest', 'sealing', 'log']) t.throws(() => of(purpose), /not a part's/)
  t.notSame(of('record'), digest)
})
