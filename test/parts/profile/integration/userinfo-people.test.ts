import t, { type Test } from 'tap'
import { demo } from '../../../helpers/simulator.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'
import { bearer, EDGES } from '../../access-rules/edges.ts'
import { PEOPLE, type Row, RULES } from '../../access-rules/people.ts'
import { ALLOWED, FORBIDDEN, saidOf, signInAs, startUserinfoWorld, UNKNOWN } from '../userinfo-world.ts'

async function start (t: Test, rule: string) {
  const world = await startUserinfoWorld(t, {
    adapter: { ALLOW: rule, RESOURCES: RESOURCE, LISTEN_GRPC: '127.0.0.1:0' }
  })
  const [replica] = world.replicas
  if (replica === undefined) throw new Error('there is no replica')
  const become = ([, user, attributes]: Row): void => {
    world.clock.advance(3_600_001) // nothing that was known is used any more
    world.authgear.controls.setAttributes(user, attributes)
  }
  return { world, replica, become }
}

/** Authgear says that there is an address, and not which. */
const isHidden = ([, , { email, email_verified: verified }]: Row): boolean =>
  verified !== undefined && typeof email !== 'string'

for (const [column, rule] of RULES.entries()) {
  if (rule.includes('group=')) continue // the Admin API alone knows them
  t.test(`each kind of person by ALLOW=${rule.slice(0, 30)} from userinfo, on each edge`, async (t) => {
    const { replica, become } = await start(t, rule)
    for (const row of PEOPLE) {
      const [who, user, , , lets] = row
      const known = isHidden(row) ? UNKNOWN : lets[column] === '+' ? ALLOWED : FORBIDDEN
      become(row)
      for (const [edge, asked] of Object.entries(EDGES)) {
        const wanted = user === 'dora'
          ? '401 invalid_session'
          : user === 'anonymous' && edge.includes('anonymous=false') ? FORBIDDEN : known
        t.equal(await asked(replica, bearer(demo[user].accessToken)), wanted, `${who}: ${edge}`)
      }
    }
  })

  t.test(`nobody is let in or refused by ${rule.slice(0, 30)} without an answer of userinfo`, async (t) => {
    const { replica, world, become } = await start(t, rule)
    for (const failure of ['refused', 'foreign', 'garbage'] as const) {
      world.authgear.controls.userinfo.fail(failure)
      for (const row of PEOPLE) {
        const [who, user] = row
        become(row)
        for (const [edge, asked] of Object.entries(EDGES)) {
          const isCertain = user === 'anonymous' && edge.includes('anonymous=false')
          const wanted = user === 'dora' ? '401 invalid_session' : isCertain ? FORBIDDEN : UNKNOWN
          t.equal(await asked(replica, bearer(demo[user].accessToken)), wanted, `${failure}, ${who}: ${edge}`)
        }
      }
    }
  })
}

t.test('the same people by the cookie of a session of ours', async (t) => {
  const { world, become } = await start(t, 'email_domain=example.com')
  for (const row of PEOPLE.filter(([, user]) => user === 'alice')) {
    const [who, user, , , [lets]] = row
    become(row)
    const wanted = isHidden(row) ? UNKNOWN : lets === '+' ? ALLOWED : FORBIDDEN
    t.equal(await saidOf(world, await signInAs(world, user)), wanted, who)
  }
})
