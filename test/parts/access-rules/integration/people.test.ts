import t, { type Test } from 'tap'
import { adminApi } from '../../../helpers/audit.ts'
import { type InProcessOptions, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'
import { profileSettings } from '../../profile/profile-settings.ts'
import { bearer, EDGES } from '../edges.ts'
import { PEOPLE, type Row, RULES } from '../people.ts'

const KNOWN = { '+': '200 allowed', '-': '403 forbidden' } as const
const UNKNOWN = '503 authgear_unavailable'

/** A replica and an Admin API, whose users become one after another. */
async function start (t: Test, options: InProcessOptions) {
  const clock = manualClock(Date.now())
  const simulator = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'], now: clock.wall })
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    ...profileSettings(simulator.url),
    RESOURCES: RESOURCE,
    LISTEN_GRPC: '127.0.0.1:0',
    clock,
    ...options
  })
  const become = ([, user, attributes, groups]: Row): void => {
    clock.advance(3_600_001) // nothing that was known is used any more
    simulator.controls.setAttributes(user, attributes)
    simulator.controls.setGroups(user, groups)
  }
  return { replica, simulator, become }
}

for (const [column, rule] of RULES.entries()) {
  t.test(`each kind of person by ALLOW=${rule.slice(0, 40)}, on each edge`, async (t) => {
    const { replica, become } = await start(t, { ALLOW: rule })
    for (const row of PEOPLE) {
      const [who, user, , , lets] = row
      const wanted = user === 'dora' ? '401 invalid_session' : KNOWN[lets[column] === '+' ? '+' : '-']
      become(row)
      for (const [edge, asked] of Object.entries(EDGES)) {
        t.equal(await asked(replica, bearer(demo[user].accessToken)), wanted, `${who}: ${edge}`)
      }
    }
  })

  t.test(`nobody is let in or refused by ${rule.slice(0, 40)} without an answer`, async (t) => {
    const { replica, simulator, become } = await start(t, { ALLOW: rule })
    simulator.controls.profiles.fail('error')
    for (const row of PEOPLE) {
      const [who, user] = row
      become(row)
      for (const [edge, asked] of Object.entries(EDGES)) {
        const isCertain = user === 'anonymous' && edge.includes('anonymous=false')
        const wanted = user === 'dora' ? '401 invalid_session' : isCertain ? KNOWN['-'] : UNKNOWN
        t.equal(await asked(replica, bearer(demo[user].accessToken)), wanted, `${who}: ${edge}`)
      }
    }
  })
}
