import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readCompose } from '../../../helpers/compose.ts'
import { startEchoApp } from '../../../helpers/echo-app.ts'
import { ask } from '../../../helpers/request.ts'
import { mustFind, skipOrFail } from '../../../helpers/servers.ts'
import { until } from '../../../helpers/until.ts'
import { STACKS, startStack } from '../../../e2e/compose-proxies.ts'
import { ALICE, cookieOf } from '../../../e2e/people.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/docker.md'), 'utf8')
const [, FILTER = ''] = /forward-auth \| jq -Rc '([^']+)'$/m.exec(PAGE) ?? []

for (const stack of STACKS) {
  t.test(`${stack.file}: the log holds the record, and docs/docker.md asks it`, {
    skip: skipOrFail('docker-compose', stack.needs, 'jq')
  }, async (t) => {
    const app = await startEchoApp(t)
    const { entry, service } = await startStack(t, stack, { app: app.port, env: {} })
    t.equal((await ask(entry, { host: 'localhost', path: '/x?y=z', headers: [cookieOf(ALICE)] })).status, 200)
    const asked = (): string =>
      execFileSync(mustFind('jq'), ['-Rc', FILTER], { input: service.logs(), encoding: 'utf8' })
    const found = (): string | undefined => asked().split('\n').find((line) => line.includes('"/x"'))
    await until('it is there', () => found() !== undefined)
    t.strictSame((JSON.parse(found() ?? '') as unknown[]).slice(1), ['allowed', ALICE.id, 'GET', '/x'])
  })
}

t.test('with an Authgear of one\'s own there is none until .env asks for it', {
  skip: skipOrFail('docker-compose')
}, async (t) => {
  for (const file of ['deploy/compose/https.yml', 'deploy/compose/https-caddy.yml']) {
    const recordOf = (env: Readonly<Record<string, string>>): string | undefined =>
      readCompose(file, env)['forward-auth']?.environment?.['ACCESS_RECORD']
    t.equal(recordOf({}), '', file)
    t.equal(recordOf({ ACCESS_RECORD: 'stdout' }), 'stdout', file)
  }
})
