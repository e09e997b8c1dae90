import t from 'tap'
import { AdminApiError } from '../../../../src/base/authgear/admin-api/errors.ts'
import { createUsers, isReadableId, readUsers, type UserReading } from '../../../../src/parts/profile/users.ts'
import { recordedProfiles, responseOf, userIdOf } from '../recorded.ts'

const [A, B, C] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`) as
  [string, string, string]
const idOf = (userId: string): string => Buffer.from(`User:${userId}`).toString('base64url')
const nodeOf = (userId: string, some: object = {}): object =>
  ({ id: idOf(userId), isDisabled: false, standardAttributes: { email: `${userId[0]}@example.com` }, ...some })
const answer = (nodes: readonly unknown[], some: object = {}): Parameters<typeof readUsers>[0] =>
  ({ status: 200, body: JSON.stringify({ data: { nodes }, ...some }), date: '' })
const kindsOf = (readings: ReadonlyMap<string, UserReading>): readonly string[] =>
  Array.from(readings, ([id, { kind }]) => `${id[0]} ${kind}`)
const emailOf = (reading: UserReading | undefined): unknown =>
  reading?.kind === 'user' ? reading.record.attributes['email'] : reading?.kind

function outcomeOf (read: () => ReadonlyMap<string, UserReading>): string {
  try {
    return Array.from(read().values(), ({ kind }) => kind).join(' ')
  } catch (error) {
    return error instanceof AdminApiError ? error.kind : String(error)
  }
}

/** What each recorded answer is to this service: the kinds of its users, or the kind of its error. */
const RECORDED: Readonly<Record<string, string>> = {
  'user/deleted': 'none',
  'user/unknown-id': 'none',
  'id/upper-case-uuid': 'none',
  'nodes/three': 'user user user',
  'nodes/with-unknown-deleted-malformed-and-twice': 'unreadable none none none user',
  'nodes/one-NUL-among-good': 'partial',
  'error/no-token': 'forbidden',
  'error/wrong-app-host': 'forbidden',
  'error/unknown-host': 'misplaced',
  'error/trailing-slash': 'misplaced',
  'error/unknown-field': 'query',
  'error/no-query': 'query',
  'error/syntax': 'server',
  'outage/database down/admin': 'server',
  'error/not-json': 'refused',
  'nodes/20000': 'refused',
  'error/text-plain': 'content_type',
  'error/get': 'garbage'
}

t.test('reads each recorded answer as what it is', async (t) => {
  for (const { name, ids, ...response } of recordedProfiles) {
    // an id that was asked about twice comes twice, which this service never asks
    const outcome = outcomeOf(() => readUsers(responseOf(response), ids.map(userIdOf), false))
    t.equal(outcome, RECORDED[name] ?? 'user', name)
  }
  t.equal(recordedProfiles.length, 34)
})

const ANSWERS: ReadonlyArray<readonly [what: string, nodes: readonly unknown[], kinds: readonly string[]]> = [
  ['in another order', [nodeOf(C), nodeOf(A), nodeOf(B)], ['a user', 'b user', 'c user']],
  ['null for one', [nodeOf(A), null, nodeOf(C)], ['a user', 'b none', 'c user']],
  ['another user in one place', [nodeOf(A), nodeOf('d'.repeat(8) + A.slice(8)), nodeOf(C)],
    ['a user', 'b foreign', 'c user']],
  ['one twice, one not at all', [nodeOf(A), nodeOf(A), nodeOf(C)], ['a unreadable', 'b none', 'c user']],
  ['an id of another type', [nodeOf(A), { ...nodeOf(B), id: Buffer.from(`Role:${B}`).toString('base64url') }, null],
    ['a user', 'b foreign', 'c foreign']],
  ['an id with more behind it', [nodeOf(A), { ...nodeOf(B), id: idOf(`${B}:x`) }, nodeOf(C)],
    ['a user', 'b foreign', 'c user']],
  ['no id', [nodeOf(A), { ...nodeOf(B), id: undefined }, nodeOf(C)], ['a user', 'b foreign', 'c user']],
  ['attributes that are none', [nodeOf(A, { standardAttributes: null }), nodeOf(B, { isDisabled: 'no' }), nodeOf(C)],
    ['a unreadable', 'b unreadable', 'c user']]
]

for (const [what, nodes, kinds] of ANSWERS) {
  t.test(`an answer with ${what}`, async (t) => {
    const readings = readUsers(answer(nodes), [A, B, C], false)
    t.strictSame(kindsOf(readings), kinds)
    for (const id of [A, B, C]) {
      const email = emailOf(readings.get(id))
      if (String(email).includes('@')) t.equal(email, `${id[0]}@example.com`, 'nobody has another user’s')
    }
  })
}

t.test('groups that were asked for and did not come make a user unreadable', async (t) => {
  const groups = { groups: { edges: [{ node: { key: 'staff' } }, { node: null }] } }
  const readings = readUsers(answer([nodeOf(A, groups), nodeOf(B, { groups: null }), nodeOf(C)]), [A, B, C], true)
  t.strictSame(kindsOf(readings), ['a user', 'b unreadable', 'c unreadable'])
  t.match(readings.get(A), { record: { groups: ['staff', undefined] } })
})

const ERRORS: ReadonlyArray<readonly [what: string, response: Parameters<typeof readUsers>[0], kind: string]> = [
  ['fewer users than asked about', answer([nodeOf(A)]), 'garbage'],
  ['more users than asked about', answer([nodeOf(A), nodeOf(B), nodeOf(C), null]), 'garbage'],
  ['errors beside whole data', answer([nodeOf(A), nodeOf(B), nodeOf(C)], { errors: [{ message: 'x' }] }), 'partial'],
  ['errors that are null beside data', answer([nodeOf(A), nodeOf(B), nodeOf(C)], { errors: null }), 'partial'],
  ['no list', { status: 200, body: '{"data":{"nodes":{}}}', date: '' }, 'garbage'],
  ['a list alone', { status: 200, body: '[]', date: '' }, 'garbage'],
  ['half a body', { status: 200, body: '{"data":{"no', date: '' }, 'garbage']
]

for (const [what, response, kind] of ERRORS) {
  t.test(`an answer with ${what} is an error`, async (t) => {
    t.equal(outcomeOf(() => readUsers(response, [A, B, C], false)), kind)
  })
}

t.test('asks only for what is used', async (t) => {
  const queries: string[] = []
  const api = { query: async (text: string) => { queries.push(text); return answer([null]) } }
  for (const name of [false, true]) {
    for (const groups of [false, true]) await createUsers(api, { name, groups }).read([A])
  }
  t.strictSame(queries.map((text) => /on User\{(.*)\}\}\}$/.exec(text)?.[1]), [
    'isDisabled standardAttributes', 'isDisabled standardAttributes groups{edges{node{key}}}',
    'isDisabled standardAttributes formattedName',
    'isDisabled standardAttributes formattedName groups{edges{node{key}}}'
  ])
})

t.test('only a UUID as Authgear writes it can be asked about', async (t) => {
  for (const id of [A, '0'.repeat(8) + A.slice(8)]) t.ok(isReadableId(id), id)
  for (const id of ['', 'bob', A.toUpperCase(), `${A}\0`, `${A}\n`, ` ${A}`, A.slice(1), A.replaceAll('-', ''), `${A}:x`]) {
    t.notOk(isReadableId(id), JSON.stringify(id))
  }
})
