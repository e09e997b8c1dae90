import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startEchoApp } from '../helpers/echo-app.ts'
import { startNameServer } from '../helpers/name-server.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { NGINX, startStack } from './compose-proxies.ts'
import { ALICE, cookieOf } from './people.ts'

const [LIVE, GONE] = ['127.0.0.1', '127.0.0.2']
const CALL = join(import.meta.dirname, '../../deploy/nginx-every-name/authgear_call.inc')

t.test('nginx retries when the list of replicas changes during a failing try', {
  skip: skipOrFail('docker-compose', 'nginx')
}, async (t) => {
  const names = await startNameServer(t, [LIVE])
  const app = await startEchoApp(t)
  const edit = (text: string, port: number): string => withNames(text, names.port, port)
  const { entry, service } = await startStack(t, NGINX, { app: app.port, env: {}, edit })
  const server = await silent(t, GONE, service.port)
  await names.become([GONE])
  const answer = ask(entry, { host: 'localhost', headers: [cookieOf(ALICE)] })
  const [connection] = await once(server, 'connection') as [Socket]
  await names.become([LIVE])
  connection.destroy()
  t.equal((await answer).status, 200, 'alice is let in')
})

/** By the name of the stack again, and patient: what the test waits for are events. */
function withNames (text: string, nameServer: number, port: number): string {
  const patient = readFileSync(CALL, 'utf8')
    .replace('proxy_connect_timeout 1s', 'proxy_connect_timeout 300s')
    .replace('proxy_next_upstream_timeout 3s', 'proxy_next_upstream_timeout 0')
  return text
    .replace('upstream forward_auth {', `upstream forward_auth { resolver 127.0.0.1:${nameServer} valid=1s ipv6=off;`)
    .replace(`server 127.0.0.1:${port} fail_timeout`, `server forward-auth:${port} resolve fail_timeout`)
    .replaceAll(/include \S+authgear_call\.inc;/g, patient)
}

/** Takes connections, and answers none. */
async function silent (t: Test, address: string, port: number): Promise<Server> {
  const server = createServer((connection) => { connection.on('error', () => {}) }).listen(port, address)
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return server
}
