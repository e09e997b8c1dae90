import { existsSync } from 'node:fs'
import { get, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { grpcClient } from '../helpers/grpc.ts'
import { startProcess } from '../helpers/process.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'
import { allServe, killWorker, placesOf, startWorkers, workersOf } from '../helpers/workers.ts'

const skip = skipOrFail('redis-server')
const AUTHORIZATION = `Bearer ${demo.alice.accessToken}`

type Answered = Readonly<{ status: number, headers: IncomingHttpHeaders }>

/** On a connection of its own. */
const overSocket = (socketPath: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answered> =>
  new Promise((resolve, reject) => {
    get({ socketPath, path, headers: { host: 'app.example.com', ...headers }, agent: false }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers })
    }).once('error', reject)
  })

t.test('workers share three socket files: /verify, /identify and gRPC', { skip }, async (t) => {
  const folder = tempDir(t, 'workers')
  const path = (name: string): string => join(folder, `${name}.sock`)
  const { service, environment } = await startWorkers(t, {
    LISTEN: `unix:${path('verify')}`,
    IDENTIFY_LISTEN: `unix:${path('identify')}`,
    LISTEN_GRPC: `unix:${path('grpc')}`,
    LOG_LEVEL: 'debug'
  })
  const identify = async (id = ''): Promise<unknown> => {
    const { headers } = await overSocket(
      path('identify'), '/identify', { authorization: AUTHORIZATION, 'x-request-id': id }
    )
    return headers['x-authgear-user-id']
  }
  const verify = async (id = ''): Promise<number> =>
    (await overSocket(path('verify'), '/verify', { authorization: AUTHORIZATION, 'x-request-id': id })).status
  const check = async (id = ''): Promise<unknown> => {
    const headers = { authorization: AUTHORIZATION, 'x-request-id': id }
    const http = { id, method: 'GET', path: '/', host: 'app.example.com', headers }
    const answer = await grpcClient(t, path('grpc')).check({ request: { http } })
    return answer.ok_response !== undefined && answer.ok_response !== null
  }
  const rows = [['/identify', identify, demo.alice.id], ['/verify', verify, 200], ['gRPC', check, true]] as const

  for (const [name, ask, expected] of rows) {
    await t.test(`both answer ${name}`, async (t) => {
      const id = `on-${name.slice(-4)}`
      await until('both have', async () => {
        t.equal(await ask(id), expected)
        return placesOf(service, id).size === 2
      })
    })
  }

  await t.test('a successor of a killed worker has all three', async (t) => {
    for (const pid of workersOf(service)) {
      await killWorker(service, pid)
      for (const [name, ask, expected] of rows) t.equal(await ask(), expected, name)
    }
  })

  await t.test('a SIGTERM leaves no file, and a successor makes them again', async (t) => {
    await service.stop()
    t.equal(await service.ended, 0)
    for (const name of ['verify', 'identify', 'grpc']) t.notOk(existsSync(path(name)), name)
    await allServe(await startProcess(t, environment))
    for (const [name, ask, expected] of rows) t.equal(await ask(), expected, name)
  })
})
