import t from 'tap'
import { deriveKeys } from '../../../src/base/core/cache-key.ts'
import { NO_LINKS, PLAIN_TEXT } from '../../../src/base/http/pages.ts'
import type { Opened } from '../../../src/base/parts/places.ts'
import {
  listenersOf, mustFit, type OpenedParts, reportOf, tellEach, tellingAll, vetoOf
} from '../../../src/app/open-parts.ts'
import { createRefuse } from '../../../src/base/verify/responses.ts'

const opened = (...some: readonly Opened[]): OpenedParts =>
  some.map((one, index) => ({ ...one, name: `part ${index}`, variable: 'LISTEN_PART' }))
const fail = (): never => { throw new Error('it fails') }

const NOTHING = { sends: undefined, claims: {} }
const sends = (...names: readonly string[]) => ({ sends: { flag: 'part', usage: 'its headers', names } })
const listens = { variable: 'LISTEN_PART', address: { kind: 'unix', path: '/part' } }
/** @returns what tries whether a part may announce so much, and plug in so much */
const fitting = (announced: object, plugs: Opened) => () =>
  mustFit({ ...NOTHING, ...announced }, { ...plugs, name: 'maintenance', variable: undefined })

for (const [announced, says, place, plugs] of [
  ['sends', sends('x-one'), 'headers', { headers: { names: ['x-one'], route: fail } }],
  ['listens', { claims: { listens } }, 'listener', { listener: fail }],
  ['reopens', { claims: { reopens: true } }, 'reopen', { reopen: fail }]
] as const) {
  t.test(`a part says \`${announced}\` and plugs in \`${place}\`, or neither`, async (t) => {
    t.throws(fitting({}, plugs), { message: `${place}` })
    t.throws(fitting(says, {}), { message: `${announced}` })
    t.doesNotThrow(fitting(says, plugs))
  })
}

t.test('a part adds the headers that it says it sends: proxies take those from clients', async (t) => {
  const plugs = (...names: readonly string[]): Opened => ({ headers: { names, route: fail } })
  t.throws(fitting(sends('x-one', 'x-two'), plugs('x-one', 'x-three')), { message: /x-one, x-three.*x-one, x-two/ })
  t.throws(fitting(sends('x-one'), plugs('x-one', 'x-two')))
  t.throws(fitting(sends('x-one', 'x-two'), plugs('x-one')))
  t.doesNotThrow(fitting(sends('x-one', 'x-two'), plugs('x-two', 'x-one')))
})

t.test('a part that fails keeps nothing from the log, nor from other parts', async (t) => {
  const told: string[] = []
  const failed = (part: string): void => { told.push(`${part} failed`) }
  const parts = opened({ taken: fail, pending: fail, leave: fail },
    { taken: () => told.push('taken'), pending: () => told.push('pending'), leave: () => told.push('leave') })
  const log = { revoke: async () => { told.push('logged'); return 'pending' as const } }
  t.equal(await tellingAll(log as never, parts, failed).revoke({} as never), 'pending')
  tellEach(parts, failed, ({ leave }) => leave?.())
  t.strictSame(told, ['part 0 failed', 'taken', 'logged', 'part 0 failed', 'pending', 'part 0 failed', 'leave'])
})

t.test('a decision is reported, whatever its observers do', async (t) => {
  const told: string[] = []
  const report = (): void => { told.push('report') }
  const failed = (part: string): void => { told.push(`${part} failed`) }
  t.equal(reportOf(report, opened({}, {}), failed), report)
  const parts = opened({ decided: fail }, {}, { decided: () => { told.push('observed') } })
  reportOf(report, parts, failed)({} as never, {} as never)
  t.strictSame(told, ['report', 'part 0 failed', 'observed'])
})

t.test('the first part that vetoes says why', async (t) => {
  const refuse = createRefuse('https://auth.example.com', PLAIN_TEXT.refusals(NO_LINKS))
  t.equal(vetoOf(opened({}, {}), refuse), undefined)
  const [yes, no] = [() => undefined, () => 'overloaded' as const]
  const program = { rawHeaders: [], requestId: 'id-1' }
  t.equal(vetoOf(opened({ vetoes: yes }, { vetoes: yes }), refuse)?.(program), undefined)
  const vetoed = vetoOf(opened({ vetoes: yes }, { vetoes: no }), refuse)
  t.match(vetoed?.(program), { reason: 'overloaded', response: { status: 503, body: /"error":"overloaded"/ } })
  t.equal(vetoed?.(program)?.response, vetoed?.(program)?.response, 'prepared once for programs')
  const person = { rawHeaders: ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'], requestId: 'id-2' }
  t.match(vetoed?.(person), { response: { status: 503, body: /id-2/ } }, 'a page for a person')
})

t.test('a part\'s handler stands for no other', async (t) => {
  const parts = opened({ listener: () => ({ handlers: { verify: fail } }) as never })
  t.throws(() => listenersOf(parts, { handlers: { verify: fail } } as never), { message: 'part 0: verify' })
})

t.test('a part gets no key of the base', async (t) => {
  const { of, digest } = deriveKeys(new Uint8Array(32))
  for (const purpose of ['digest', 'sealing', 'log']) t.throws(() => of(purpose), /not a part's/)
  t.notSame(of('record'), digest)
})
