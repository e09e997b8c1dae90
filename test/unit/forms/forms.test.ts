import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeEntry, encodeEntry } from '../../../src/base/cache/entry-codec.ts'
import { entryForm } from '../../../src/base/cache/redis.ts'
import { createSecretCheck } from '../../../src/base/cache/secret-check.ts'
import { deriveKeys } from '../../../src/base/core/cache-key.ts'
import { createSealer, type Sealer } from '../../../src/base/crypto/sealing.ts'
import { readMark, writeMark } from '../../../src/base/revocation/block-mark.ts'
import { keyOfForm } from '../../../src/base/redis/keys.ts'
import { createEntryCodec } from '../../../src/base/revocation/codec.ts'
import { createKeyStore } from '../../../src/parts/assertion/shared-keys.ts'
import { decodePosition, encodePosition } from '../../../src/parts/audit-log/position.ts'
import { createBlockStore } from '../../../src/parts/clients/store.ts'
import { readPlace, writePlace } from '../../../src/parts/events/feed.ts'
import { createEndedGrants } from '../../../src/parts/login/sessions/ended-grants.ts'
import { openAt, seal, TOMBSTONE } from '../../../src/parts/login/sessions/sealed-record.ts'
import { createListsInRedis } from '../../../src/parts/login/sessions/user-sessions.ts'
import { createSeal } from '../../../src/parts/login/state.ts'
import { STORED_PROFILE } from '../../../src/parts/profile/shared.ts'
import { createBudget } from '../../../src/parts/tokens/basic/shared-budget.ts'
import { STORED_PAIR } from '../../../src/parts/tokens/basic/record.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import { formOf } from './form-of.ts'
import * as sample from './samples.ts'

/*
 * What is written has the form that test/fixtures/forms.json has under its name and number, and what earlier releases
 * wrote is read. A form that changed needs another number: docs/inside/contributing-tasks.md, "The form of what is kept
 * in Redis". A new optional field that older releases keep is added to the recorded form by hand, beside a sample.
 */
type Recorded = Readonly<{ form: unknown, written: readonly string[] }>
const FIXTURE = join(import.meta.dirname, '../../fixtures/forms.json')
const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Readonly<Record<string, Recorded>>

/** Shows the name of the seal, which has the form's number. */
const OPEN: Sealer = {
  seal: (name, plain) => Buffer.from(JSON.stringify({ [name]: Buffer.from(plain).toString() })),
  open (name, sealed) {
    const plain = (JSON.parse(Buffer.from(sealed).toString()) as Record<string, string>)[name]
    return plain === undefined ? undefined : Buffer.from(plain)
  }
}
const SEALING = { sealer: OPEN, previous: undefined, writesPrevious: () => false }
const clock = manualClock(1)
const codec = createEntryCodec(Buffer.alloc(32, 1))
const cookies = createSeal('a secret of the tests, 32 bytes!')
const place = { key: sample.KEY, sealer: OPEN }

/** One key of Redis. @param value what an earlier release left there */
function oneKey (value?: string) {
  let held = value === undefined ? null : Buffer.from(value)
  const set = (text: string | Buffer): boolean => { held = Buffer.from(text); return true }
  return {
    text: () => held?.toString() ?? '',
    getBuffer: async () => held,
    compareAndSet: async (_: string, before: Buffer, next: Buffer) =>
      (held ?? Buffer.alloc(0)).equals(before) && set(next),
    setIfNewer: async (_: string, version: string, next: Buffer) => set(next) && version !== '',
    setIfAbsent: async (_: string, next: string) => held === null && set(next),
    setPx: async (_: string, next: Buffer) => { set(next) },
    timeOf: async () => 1,
    queueAdd: async (_: string, { name, payload }: { name: string, payload: string }) => {
      set(`${name} ${Buffer.from(payload, 'base64url').toString()}`)
    },
    queueTake: async () => [{
      name: held?.toString().split(' ')[0] ?? '',
      payload: Buffer.from(held?.toString().replace(/^\S+ /, '') ?? '').toString('base64url')
    }],
    queueRemove: async () => {}
  }
}

/** Writes by `act` what `act` then reads. */
async function shared (act: (commands: ReturnType<typeof oneKey>) => Promise<unknown>): Promise<string> {
  const commands = oneKey()
  await act(commands)
  return commands.text()
}

const keysIn = (commands: ReturnType<typeof oneKey>) => createKeyStore({
  ...SEALING, commands, canSign: () => true, name: 'n', clock, schedule: { algorithm: 'ES256', rotationMs: 3_600_000 }
})
const blocksIn = (commands: ReturnType<typeof oneKey>) => createBlockStore({ ...SEALING, commands, name: 'n' })
const listIn = (commands: ReturnType<typeof oneKey>) =>
  createListsInRedis({ commands, keyPrefix: '', sealer: OPEN, lifeMs: 1 })
const grantsIn = (commands: ReturnType<typeof oneKey>) =>
  createEndedGrants({ ...SEALING, commands, keyPrefix: '', names: { current: sample.KEY, previous: undefined } })
const canaryIn = (commands: ReturnType<typeof oneKey>) =>
  createSecretCheck({ commands, sealer: OPEN, name: 'n', clock })
const budgetIn = (commands: ReturnType<typeof oneKey>) => createBudget(clock, { commands, sealer: OPEN, name: 'n' })

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (written: string): Buffer => Buffer.from(written)
const found = (value: unknown): boolean => value !== undefined && value !== null && value !== 'foreign'

type Form = Readonly<{
  write: () => string | Promise<string>
  /** @returns whether it understood what an earlier release wrote */
  read: (written: string) => boolean | Promise<boolean>
}>
const cookieForm = (purpose: Parameters<typeof cookies.seal>[0], value: object): Form => ({
  write: () => JSON.stringify(cookies.open(purpose, cookies.seal(purpose, value))),
  read: (written) => JSON.stringify(cookies.open(purpose, written)) === JSON.stringify(value)
})

/** Each under its purpose: another label would be another secret. */
function keysOf (secret: string): string {
  const { digest, sealing, log, of } = deriveKeys(bytes(secret))
  return [digest, sealing, log, of('own sessions')].map((key) => Buffer.from(key).toString('base64')).join(' ')
}

const FORMS: Readonly<Record<string, Form>> = {
  'keys v1': {
    write: () => keysOf('s'),
    read: (written) => written === keysOf('s')
  },
  'sealing 1': {
    write: () => {
      const sealed = createSealer(Buffer.alloc(32, 1)).seal('name', bytes('plain'))
      return JSON.stringify([`format ${sealed[0]}, ${sealed.length - 'plain'.length} bytes more`])
    },
    read: (written) =>
      createSealer(Buffer.alloc(32, 1)).open('name', Buffer.from(written, 'base64'))?.toString() === 'plain'
  },
  'entry 1': {
    write: () => text(encodeEntry(sample.ENTRY)),
    read: (written) => found(decodeEntry(bytes(written)))
  },
  'profile 2': {
    write: () => text(STORED_PROFILE.encode(sample.STORED)),
    read: (written) => found(STORED_PROFILE.decode(bytes(written)))
  },
  'basic 1': {
    write: () => text(STORED_PAIR.encode(sample.PAIR)),
    read: (written) => found(STORED_PAIR.decode(bytes(written)))
  },
  'own session 1': {
    write: () => text(seal(place, sample.RECORD)),
    read: (written) => typeof openAt(place, bytes(written)) === 'object'
  },
  'own session, signed out': {
    write: () => TOMBSTONE.toString(),
    read: (written) => openAt(place, bytes(written)) === 'ended'
  },
  'sessions of a user': {
    write: () => shared((commands) => listIn(commands).write(sample.KEY, { version: 7, text: 'one other~before' })),
    read: async (written) => (await listIn(oneKey(written)).read(sample.KEY)).text === 'one other~before'
  },
  'ended grants': {
    write: () => shared((commands) => grantsIn(commands).add({ name: 'n', refreshToken: 'r' })),
    read: async (written) => (await grantsIn(oneKey(written)).take())[0]?.refreshToken === 'r'
  },
  'assertion keys 1': {
    write: () => shared((commands) => keysIn(commands)(sample.KEY_SET)),
    read: async (written) => (await keysIn(oneKey(written))(undefined) as { sid?: string }).sid === 's'
  },
  'blocked clients 1': {
    write: () => shared((commands) => blocksIn(commands).sync(new Map(sample.BLOCKS))),
    read: async (written) => {
      const synced = await blocksIn(oneKey(written)).sync(new Map())
      return synced !== 'foreign' && synced.list.size > 0
    }
  },
  'basic exchanges 1': {
    write: () => shared((commands) => budgetIn(commands).spend({ client: 'c', isKnown: true, from: 'f' })),
    read: async (written) => {
      const commands = oneKey(written)
      await budgetIn(commands).spend({ client: 'd', isKnown: true, from: 'f' })
      return commands.text().length > written.length
    }
  },
  'secret check': {
    write: async () => Buffer.from(await shared((commands) => canaryIn(commands).refresh(true)), 'base64').toString(),
    read: async (written) =>
      (await canaryIn(oneKey(bytes(written).toString('base64'))).read()).kind === 'current'
  },
  'audit position 1': {
    write: () => encodePosition(sample.POSITION),
    read: (written) => decodePosition(written)?.newest === 1
  },
  'entry of the revocation log 1': {
    write: () => JSON.stringify(codec.encode('g', 'p', 'o', sample.REVOCATION)),
    read: (written) => {
      const read = codec.decode('7-0', JSON.parse(written) as Record<string, string>)
      return read.provenance === 'authentic' && !read.isJunk && read.entry.nonce !== ''
    }
  },
  'block in the revocation log': {
    write: () => sample.BLOCKS.map(([name, mark]) => writeMark(name, mark)).join(),
    read: (written) => readMark(written)?.name === 'c'
  },
  'place in the events': {
    write: () => writePlace('0123456789abcdef', { log: 'a1', id: '1-2' }),
    read: (written) => readPlace('0123456789abcdef', written)?.id === '1-2'
  },
  'cookie state': cookieForm('state', sample.STATE),
  'cookie browser': cookieForm('browser', sample.BROWSER),
  'cookie own state': cookieForm('own state', sample.OWN_STATE),
  'cookie own browser': cookieForm('own browser', sample.OWN_BROWSER)
}

/** RECORD_FORMS=1: a form that is not there yet, never another one for a name that is. */
async function record (): Promise<void> {
  const added: Record<string, Recorded> = { ...recorded }
  for (const [name, { write }] of Object.entries(FORMS)) {
    const written = await write()
    added[name] ??= { form: formOf(written), written: [written] }
  }
  writeFileSync(FIXTURE, `${JSON.stringify(added, null, 2)}\n`)
}

if (process.env['RECORD_FORMS'] !== undefined) await record()

for (const [name, { write, read }] of Object.entries(FORMS)) {
  t.test(`${name}: writes the recorded form, reads what releases wrote`, async (t) => {
    const written = await write()
    t.strictSame(formOf(written), recorded[name]?.form, `as it was written: ${JSON.stringify(written)}`)
    const before = recorded[name]?.written ?? []
    t.ok(before.length > 0, 'a sample is recorded')
    for (const sample of before) t.ok(await read(sample), sample)
  })
}

t.test('another form of a cached value has another key, the first one keeps its own', async (t) => {
  const keys = [keyOfForm('a', 1), keyOfForm('a', 2), keyOfForm('a', 2, 2), keyOfForm('a', 3, 2)]
  t.strictSame(keys, ['a', 'a2', 'a', 'a3'])
  const names = [entryForm(), STORED_PROFILE, STORED_PAIR].map(({ nameOf }) => nameOf('p:', sample.KEY))
  t.strictSame(names, ['entry', 'profile', 'basic'].map((kind) => `p:{${sample.KEY}}:${kind}`), 'as releases have them')
})

t.test('each recorded form is still one of these', async (t) => {
  t.strictSame(Object.keys(recorded).filter((name) => FORMS[name] === undefined), [])
})
