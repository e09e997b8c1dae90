import t from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { disabledEvent, sign, WEBHOOK_SECRET } from '../helpers/webhook.ts'
import { STACKS, startStack } from './compose-proxies.ts'
import { startApp } from './https-stack.ts'

const EVENT = disabledEvent(demo.dora.id)

for (const stack of STACKS) {
  t.test(`${stack.file}: Authgear's webhook comes in, and nothing else beside the login does`, {
    skip: skipOrFail('docker-compose', stack.needs)
  }, async (t) => {
    const app = await freePort()
    await startApp(t, app)
    const { entry } = await startStack(t, stack, { app, env: { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET } })
    const post = (path: string, signature: string, method = 'POST'): Promise<number> =>
      statusOf(entry, method, path, signature)
    t.equal(await post('/_auth/webhook', sign(EVENT)), 204, 'signed by Authgear')
    t.equal(await post('/_auth/webhook', sign('another body')), 401, 'by somebody else')
    t.ok([401, 403].includes(await post('/_auth/webhook', sign(EVENT), 'PUT')), 'another method')
    for (const path of ['/_auth/webhook/', '/_auth/webhook/x', '/webhook', '/_auth/verify', '/verify']) {
      t.equal(await post(path, sign(EVENT)), 401, `${path} is the app's, for people who are signed in`)
    }
    t.ok((await post('/_auth/%77ebhook', sign(EVENT))) !== 200, 'another spelling is not let in')
  })
}

async function statusOf (port: number, method: string, path: string, signature: string): Promise<number> {
  const headers = [['x-authgear-body-signature', signature]] as const
  return (await ask(port, { host: 'localhost', method, path, headers, body: EVENT })).status
}
