import t from 'tap'
import { recordedIn, recordFile } from '../helpers.ts'
import { profileSettings } from '../../profile/profile-settings.ts'
import { API, basic, route, SCOPES } from '../../tokens/basic-world.ts'
import { adminApi } from '../../../helpers/audit.ts'
import { type Environment, startInProcess } from '../../../helpers/in-process.ts'
import { ask, type Asked } from '../../../helpers/request.ts'
import { type Controls, demo, startSimulator } from '../../../helpers/simulator.ts'

type Case = Readonly<{
  place: string
  hold: (controls: Controls) => ReturnType<Controls['hold']>
  asked: Asked
  settings?: (url: string) => Environment
}>

const OF_ALICE: Asked = { path: '/verify', headers: [['Cookie', `session=${demo.alice.cookie}`]] }
const CASES: readonly Case[] = [
  { place: 'the resolver', hold: (controls) => controls.hold(), asked: OF_ALICE },
  {
    place: 'the Admin API',
    hold: ({ profiles }) => profiles.hold(),
    asked: OF_ALICE,
    settings: (url) => ({ ...profileSettings(url), ALLOW: 'email_domain=example.com' })
  },
  {
    place: 'the token endpoint',
    hold: ({ tokens }) => tokens.hold(),
    asked: { path: route(), headers: [basic('one', 'of one')] },
    settings: () => ({ RESOURCES: API })
  }
]

for (const { place, hold, asked, settings } of CASES) {
  t.test(`a request that waits at ${place} when the service closes is on record`, async (t) => {
    const simulator = await startSimulator(t, {
      adminApi,
      clients: [],
      machines: [{ id: 'one', secret: 'of one', scopes: SCOPES }],
      resources: [{ uri: API, scopes: SCOPES }]
    })
    const { file, ACCESS_RECORD } = recordFile(t)
    const { port, service, lines } = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, ACCESS_RECORD, ACCESS_RECORD_WINDOW: '0', ...settings?.(simulator.url)
    })
    const gate = hold(simulator.controls)
    const pending = ask(port, asked)
    await gate.arrived(1)
    await service.close()
    t.equal((await pending).status, 503)
    t.match(recordedIn(file), [{ verdict: 'unavailable', reason: 'authgear_unavailable' }])
    t.strictSame(lines.filter(({ msg }) => String(msg).includes('access record')), [])
    gate.release()
  })
}
