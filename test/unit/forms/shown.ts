import fastify, { type FastifyInstance } from 'fastify'
import type { ClientName } from '../../../src/base/core/client-name.ts'
import { addRevocations, type RevocationsDeps } from '../../../src/base/management/revocations.ts'
import type { Target } from '../../../src/base/revocation/types.ts'
import { createAccessRecord } from '../../../src/parts/access-record/record.ts'
import { addClients, type ClientsDeps } from '../../../src/parts/clients/routes.ts'
import { checkHeld, readHeld } from '../../../src/parts/events/check.ts'
import { createFeed, readPlace, writePlace } from '../../../src/parts/events/feed.ts'
import { createFrames } from '../../../src/parts/events/frames.ts'
import type { SessionNames } from '../../../src/parts/events/session-names.ts'
import { createToldNames } from '../../../src/parts/events/told-names.ts'
import { createSeal } from '../../../src/parts/login/flow/state.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import type { Form } from './one-key.ts'
import * as sample from './samples.ts'

const TOKEN = 'a token of the tests'
const SECRET = '0123456789abcdef'
const cookies = createSeal('a secret of the tests, 32 bytes!')
const log = { info () {} }

const cookieForm = (purpose: Parameters<typeof cookies.seal>[0], value: object): Form => ({
  write: () => JSON.stringify(cookies.open(purpose, cookies.seal(purpose, value))),
  read: (written) => JSON.stringify(cookies.open(purpose, written)) === JSON.stringify(value),
  sample: () => cookies.seal(purpose, value)
})

async function answerOf (
  add: (app: FastifyInstance) => void, method: 'GET' | 'POST' | 'PUT', url: string, payload?: object
): Promise<string> {
  const app = fastify()
  add(app)
  const headers = { authorization: `Bearer ${TOKEN}` }
  return (await app.inject({ method, url, headers, ...payload !== undefined && { payload } })).body
}

function addBlocked (app: FastifyInstance): void {
  const list = new Map(sample.BLOCKS.map(([name, mark]) => [name, { ...mark, at: sample.AT }]))
  const deps = {
    token: TOKEN,
    fixed: new Set(['f' as ClientName]),
    blocks: { list: () => list, block: async () => 'done', isForeign: () => false },
    seen: () => [sample.SEEN],
    tell: async () => true,
    log
  }
  addClients(app, deps as unknown as ClientsDeps)
}

function addLog (app: FastifyInstance): void {
  const revocations = { revoke: async () => 'logged', snapshot: () => ({ stamp: sample.ENTRY.stamp }) }
  addRevocations(app, { token: TOKEN, revocations, log } as unknown as RevocationsDeps)
}

/** A revocation of each kind that apps are told of. */
const TARGETS: readonly Target[] = [
  { kind: 'user', userId: 'u' },
  { kind: 'client', clientId: 'c' },
  { kind: 'credential', digest: sample.DIGEST },
  { kind: 'token', id: 't' },
  { kind: 'everything' }
]
const names = { secret: SECRET, ofTarget: () => ['s'] } as unknown as SessionNames

function feedOf (targets: readonly Target[]): ReturnType<typeof createFeed> {
  const feed = createFeed()
  feed.begins('a1', sample.AT)
  for (const [index, target] of targets.entries()) {
    const revocation = { target, origin: 'webhook', quietMs: 0, ends: 0 } as const
    feed.read({ id: `${sample.AT + index}-0`, revocation } as Parameters<typeof feed.read>[0], sample.AT)
  }
  return feed
}

/** The data of each frame. */
const dataOf = (frames: string): string =>
  JSON.stringify([...frames.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as unknown))

/** A decision with every field that a line can have, its repeats, and a revocation. */
async function accessLines (): Promise<string> {
  const lines: unknown[] = []
  const sink = {
    write: (line: string) => lines.push(JSON.parse(line)) > 1,
    isWritable: () => true,
    look () {},
    reopen () {},
    close: async () => {}
  }
  const record = createAccessRecord({
    ...sample.RECORDING, sink, clock: manualClock(sample.AT), trustProxy: () => true, lost () {}
  })
  record.report(sample.REPORTED, sample.RESULT)
  record.revoked({ ...sample.REVOCATION, target: { kind: 'user', userId: 'u' } })
  record.revoked({ ...sample.REVOCATION, target: { kind: 'client', clientId: 'c' } })
  const [[name, mark]] = sample.BLOCKS as unknown as [(typeof sample.BLOCKS)[0]]
  record.revoked({ ...sample.REVOCATION, target: { kind: 'block', name, mark } })
  await record.close()
  return JSON.stringify(lines)
}

/** What browsers, apps, operators and their programs get and send. */
export const SHOWN: Readonly<Record<string, Form>> = {
  'place in the events': {
    write: () => writePlace(SECRET, { log: 'a1', id: '1-2' }),
    read: (written) => readPlace(SECRET, written)?.id === '1-2'
  },
  'cookie state': cookieForm('state', sample.STATE),
  'cookie browser': cookieForm('browser', sample.BROWSER),
  'cookie logout': cookieForm('logout', sample.SIGNED_OUT),
  'cookie own state': cookieForm('own state', sample.OWN_STATE),
  'cookie own browser': cookieForm('own browser', sample.OWN_BROWSER),
  'cookie own logout': cookieForm('own logout', sample.OWN_SIGNED_OUT),
  'revoked of GET /events': {
    write: () => dataOf(createFrames(feedOf(TARGETS), names).batch('app', 0).bytes.toString())
  },
  'other events of GET /events': {
    write () {
      const { connected, reset, state } = createFrames(feedOf(TARGETS), names)
      return dataOf(connected(true, undefined) + reset(true) + state(true))
    }
  },
  'body of POST /events/check': {
    write: () => JSON.stringify({ sessions: [sample.HELD] }),
    read: (written) => readHeld(written)?.[0]?.since === sample.HELD.since
  },
  'answer of POST /events/check': {
    async write () {
      const feed = feedOf(TARGETS.slice(0, 1))
      const held = [sample.HELD, { ...sample.HELD, user: 'another' }]
      return JSON.stringify(await checkHeld(feed, createToldNames(feed, names), 'app', held))
    }
  },
  'answer of GET /clients': { write: () => answerOf(addBlocked, 'GET', '/clients') },
  'answer of PUT /clients/ID/block': { write: () => answerOf(addBlocked, 'PUT', '/clients/c/block') },
  'answer of POST /revocations': { write: () => answerOf(addLog, 'POST', '/revocations', { user_id: 'u' }) },
  'lines of the access record': { write: accessLines }
}
