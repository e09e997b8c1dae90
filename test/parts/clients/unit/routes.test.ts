import fastify from 'fastify'
import t from 'tap'
import type { ClientName } from '../../../../src/base/core/client-name.ts'
import { addClients, type ClientsDeps } from '../../../../src/parts/clients/routes.ts'
import type { Mark } from '../../../../src/base/revocation/block-mark.ts'

const TOKEN = 'a token of the tests'

t.test('a block has its age where Redis dated it', async (t) => {
  const marks: ReadonlyArray<readonly [string, Mark]> = [
    ['dated', { isBlocked: true, at: Date.parse('2026-11-29T00:00:00Z'), origin: 'management' }],
    ['undated', { isBlocked: true, at: 1, origin: 'management' }],
    ['lifted', { isBlocked: false, at: 2, origin: 'management' }]
  ]
  const list = new Map(marks.map(([name, mark]) => [name as ClientName, mark]))
  const app = fastify()
  const deps = { token: TOKEN, fixed: new Set(), blocks: { list: () => list }, seen: () => [] }
  addClients(app, deps as unknown as ClientsDeps)
  const answer = await app.inject({ url: '/clients', headers: { authorization: `Bearer ${TOKEN}` } })
  t.strictSame((answer.json() as Record<string, unknown>)['blocked'], [
    { name: 'dated', origin: 'management', since: '2026-11-29T00:00:00.000Z', at: 1795910400000 },
    { name: 'undated', origin: 'management', at: 1 }
  ])
})
