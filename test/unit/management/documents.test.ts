import t from 'tap'
import { tagged } from '../../../src/base/http/conditional.ts'
import { OK } from '../../../src/base/http/success.ts'
import { buildManagement } from '../../../src/base/management/listener.ts'
import type { PublicDocument } from '../../../src/base/parts/feature.ts'
import { routeOf } from '../../../src/app/listeners.ts'
import { allMetrics } from '../../helpers/series.ts'

const headers = ['content-type', 'application/json', 'cache-control', 'public']
const response = tagged({ status: OK, headers, body: '{}' })
const tag = response.headers.at(-1) ?? ''
const document: PublicDocument = {
  path: '/keys.json', endpoint: 'jwks', read: () => ({ response, reason: 'key_set' })
}

t.test('the management listener answers 304 for a public document with its tag', async (t) => {
  const app = buildManagement({
    readiness: { state: () => 'serving', redis: () => 'none', authgear: () => 'ok' },
    metrics: allMetrics(),
    about: { replica: 'a', version: '1', endpoint: 'https://auth.example.com', ttlMs: 0, entrance: undefined },
    machine: 'a',
    unexpectedError: (error) => t.fail(String(error)),
    hosts: [],
    revocations: undefined,
    documents: [document]
  })
  t.teardown(() => app.close())
  const whole = await app.inject('/keys.json')
  t.match(whole, { statusCode: 200, body: '{}', headers: { etag: tag, 'cache-control': 'public' } })
  for (const method of ['GET', 'HEAD'] as const) {
    const known = await app.inject({ method, url: '/keys.json', headers: { 'if-none-match': `W/${tag}` } })
    t.match(known, { statusCode: 304, body: '', headers: { etag: tag, 'cache-control': 'public' } }, method)
    t.equal(known.headers['content-type'], undefined)
  }
})

t.test('the main listener does the same', async (t) => {
  const { handler } = routeOf(document)
  const ask = async (rawHeaders: readonly string[]) => (await handler({ rawHeaders } as never)).response.status
  t.equal(await ask([]), 200)
  t.equal(await ask(['If-None-Match', tag]), 304)
})
