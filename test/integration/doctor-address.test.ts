import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { parseObject } from '../../src/base/core/json.ts'
import { adminApi, auditEnvironment } from '../helpers/audit.ts'
import { visit, type Transcript } from '../helpers/doctor.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const EARLIER = { lastAccessedAt: '2026-11-30T15:00:00Z', lastAccessedByIP: '192.0.2.1' }

/**
 * Authgear, which records the address of the resolver's caller, and shows it by the Admin API as a real one does.
 * @param seen what it takes for the address
 */
async function examined (t: Test, seen: (forwarded: string) => unknown): Promise<Transcript> {
  const simulator = await startSimulator(t, { cookieDomain: 'example.com', adminApi })
  let address = ''
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '', headers } = request
    if (headers['x-forwarded-for'] !== undefined) address = String(headers['x-forwarded-for'])
    const body = await text(request)
    if (body.includes('lastAccessedByIP')) {
      const id = Buffer.from(String(Object(parseObject(body)?.['variables'])['id']), 'base64url').toString()
      const newest = { lastAccessedAt: '2026-11-30T15:17:23Z', lastAccessedByIP: seen(address) }
      const edges = id === `User:${demo.alice.id}` ? [EARLIER, newest].map((node) => ({ node })) : []
      response.end(JSON.stringify({ data: { node: { sessions: { edges } } } }))
      return
    }
    const lines = Object.entries(headers).filter(([name]) => !/^(?:connection|content-length|transfer)/.test(name))
    const answer = await fetch(`${simulator.url}${url}`, {
      method,
      headers: Object.fromEntries(lines.map(([name, value]) => [name, String(value)])),
      ...body === '' ? {} : { body },
      redirect: 'manual'
    })
    response.writeHead(answer.status, [...answer.headers].flat()).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { AUTHGEAR_ENDPOINT: url, ...auditEnvironment(url, '2s') }
  return await visit({ env, args: ['--token-stdin'], stdin: demo.alice.accessToken })
}

t.test("finds an Authgear that does not see people's addresses", async (t) => {
  const { text, findings } = await examined(t, () => '10.0.0.7')
  t.ok(findings.includes('warning authgear-address'), text)
  t.match(text, /Authgear recorded 10\.0\.0\.7 for a session whose address was said to be 198\.51\.100\.\d+/)
})

t.test('finds nothing if Authgear records the address it is sent', async (t) => {
  const { text, findings } = await examined(t, (forwarded) => forwarded)
  t.notOk(findings.includes('warning authgear-address'), text)
  t.match(text, /^ok +Authgear sees people's addresses$/m)
})

t.test('says that it could not look where the Admin API does not show an address', async (t) => {
  const { text } = await examined(t, () => null)
  t.match(text, /^skipped +Authgear sees people's addresses: the Admin API did not show it$/m)
})

t.test('takes a token and the Admin API', async (t) => {
  const { url } = await startSimulator(t, { cookieDomain: 'example.com' })
  const env = { AUTHGEAR_ENDPOINT: url }
  t.match((await visit({ env })).text, /Authgear sees people's addresses.*--token-stdin/)
  const pasted = await visit({ env, args: ['--token-stdin'], stdin: demo.alice.accessToken })
  t.match(pasted.text, /Authgear sees people's addresses.*AUTHGEAR_ADMIN_API_URL/)
})
