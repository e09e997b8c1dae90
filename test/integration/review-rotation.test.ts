import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'

t.setTimeout(60_000)
t.test('a person with two cookies keeps being let in during a rotation', async t => {
  const authgear = createServer((request, response) => {
    const id = /session=([^.]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
    response.writeHead(200, {
      'x-authgear-session-valid': 'true', 'x-authgear-user-id': id, 'x-authgear-user-anonymous': 'false',
      'x-authgear-user-verified': 'true', 'x-authgear-user-roles': 'r'.repeat(11_000)
    }).end()
  }).listen(0, '127.0.0.1')
  await once(authgear, 'listening')
  t.teardown(() => { authgear.close(); authgear.closeAllConnections() })
  const { port: redisPort } = await startRedis(t)
  const { port } = await startInProcess(t, {
    authgear: `http://127.0.0.1:${(authgear.address() as AddressInfo).port}`, redisPort,
    secret: 'n'.repeat(40), previousSecret: 'o'.repeat(40)
  })
  const look = async (cookie: string) => {
    try { return (await ask(port, { path: '/verify', headers: [['Cookie', cookie]] })).status } catch (error) { return String(error) }
  }
  await sleep(1500) // until it follows the log
  const both = 'session=alice.secret; app_session=app.secret'
  t.equal(await look(both), 200)
  t.equal(await look(both), 200)
  for (let i = 0; i < 950; i++) await look(`session=p${i}.secret`)
  t.equal(await look(both), 200, 'once others are remembered')
  t.equal(await look(both), 200)
  t.equal(await look('session=p0.secret'), 200)
})
