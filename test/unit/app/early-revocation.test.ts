import t from 'tap'
import { createLog } from '../../../src/base/logging/log.ts'
import { definePart } from '../../../src/base/parts/part.ts'
import { createService } from '../../../src/app/service.ts'
import { settingsOf } from '../../helpers/in-process.ts'

const eager = definePart({
  name: 'eager',
  title: 'Eager',
  variables: {},
  example: {},
  configure: () => ({}),
  metrics: () => ({}),
  load: async () => (_settings, { revoke }) => {
    revoke({ target: { kind: 'everything' }, origin: 'management', quietMs: 0 }).catch(t.fail)
    return { gauges: {} }
  }
})

t.test('a part cannot revoke before the log is open', async (t) => {
  const settings = await settingsOf({ AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1' })
  const part = await eager.configure({}, {})?.load()
  if (part === undefined) throw new Error('it is off')
  const log = createLog('silent', { write: () => {} })
  t.throws(() => createService({ ...settings, parts: [part] }, log), { message: /part revokes before .* is open/ })
})
