import t, { type Test } from 'tap'
import { startRelay, type Relay } from '../helpers/relay.ts'
import { ask } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { startApps, type HostileApp } from './cases/hostile/apps.ts'
import { attack } from './cases/hostile/attack.ts'
import { overHttp1 } from './cases/hostile/http1.ts'
import { overHttp2 } from './cases/hostile/http2.ts'
import { wrongs } from './cases/hostile/judge.ts'
import { writeHostile, type Outcomes } from './cases/hostile/record.ts'
import type { Line, Spelling } from './cases/hostile/spelling.ts'
import { bothEdits, FAST } from './edits.ts'
import { H2C } from './h2c-edits.ts'
import { BOB } from './people.ts'
import { ALL, envoyPrefix, EVERY_WAY, traefik } from './proxies.ts'
import type { Edits, Proxy } from './proxy.ts'
import { RECIPES } from './recipes.ts'
import { swap } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const CASE = 'x-case'
const OPTIONS = ['--policy', '/admin=role=admin', '--login']

/** The policy in the prefix: what the whole host wants is in the path, before the client's own. */
const envoyPathPolicy: Proxy = {
  ...envoyPrefix,
  edits: {
    'envoy.yaml': (written) => swap(written, 'path_prefix: /ext-authz/~', 'path_prefix: /ext-authz/~anonymous=false')
  }
}
const CONFIGURATIONS: ReadonlyArray<readonly [name: string, proxy: Proxy]> = [
  ...EVERY_WAY.map((proxy) => [proxy.snippet, proxy] as const),
  ['envoy-prefix, with a policy in the path', envoyPathPolicy]
]

/** Nobody, and bob, who is no admin. */
const PEOPLE: Readonly<Record<string, readonly Line[]>> = { nobody: [], bob: [['Cookie', BOB.cookie]] }

t.test(
  'no spelling of a request reaches an app past a proxy',
  { skip: skipOrFail('hypercorn', ...ALL.map(({ server }) => server)) },
  async (t) => {
    const [authgear, apps] = await Promise.all([startSimulator(t), startApps(t)])
    await testTunnel(t, apps[0])
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: authgear.url, CACHE_TTL: '10m', CACHE_NEGATIVE_TTL: '10m', EXT_AUTHZ_POLICY: 'required'
    }, { grpc: true })
    for (const [name, proxy] of CONFIGURATIONS) {
      await t.test(name, async (t) => {
        const relay = await startRelay(t, apps[0]?.port)
        const start = (edits: Edits): Promise<number> => {
          const configured: Proxy = {
            ...proxy,
            tls: proxy === traefik ? false : proxy.tls,
            edits: [proxy.edits ?? {}, RECIPES[proxy.server] ?? {}, FAST[proxy.server] ?? {}, edits].reduce(bothEdits)
          }
          const { port: forwardAuth, grpcPort } = service
          const grpc = proxy.grpc === true ? grpcPort : undefined
          return startProxy(t, configured, { app: relay.port, forwardAuth: [forwardAuth], grpc, options: OPTIONS })
        }
        const port = await start({})
        const h2c = H2C[proxy.server]
        const http2Port = h2c === undefined ? port : await start(h2c)
        const outcomes: Outcomes = {}
        for (const app of apps) {
          await t.test(`before an app that is "${app.kind}"`, async (t) => {
            await runAll(t, { proxy, relay, app, port, outcomes }, overHttp1)
            await runAll(t, { proxy, relay, app, port: http2Port, outcomes }, overHttp2)
          })
        }
        if (t.passing() && proxy !== envoyPathPolicy) writeHostile(proxy, outcomes)
      })
    }
  }
)

/** The proof that this corpus sees a tunnel where there is one. */
async function testTunnel (t: Test, app: HostileApp | undefined): Promise<void> {
  const [h2c] = overHttp1
  if (app === undefined || h2c === undefined) throw new Error('no app, or no spelling')
  t.equal(await attack(app.port, h2c, []), 101, 'the app upgrades to h2c')
  const tunnelled = (await app.taken()).filter(({ http }) => http === '2')
  t.ok(tunnelled.some(({ headers }) => headers.some(([, value]) => value === 'the-ceo')),
    'without a proxy, HTTP/2 brings any identity')
}

type Run = Readonly<{ proxy: Proxy, relay: Relay, app: HostileApp, port: number, outcomes: Outcomes }>

async function runAll (
  t: Test,
  { proxy, relay, app, port, outcomes }: Run,
  spellings: readonly Spelling[]
): Promise<void> {
  relay.to(app.port)
  await until(
    'the proxy asks this app', async () => (await ask(port, { headers: [['Cookie', BOB.cookie]] })).status === 200
  )
  await app.taken()
  for (const [person, credentials] of Object.entries(PEOPLE)) {
    for (const [i, spelling] of spellings.entries()) {
      const status = await attack(port, spelling, [...credentials, [CASE, String(i)]])
      ;((outcomes[spelling.name] ??= {})[person] ??= new Set()).add(status)
      if (spelling.fate === '400') t.equal(status, 400, `${spelling.name}, ${person}`)
      if (spelling.fate === 'refused') {
        t.ok(status === 0 || (status >= 400 && status < 500), `${spelling.name}, ${person}: ${status}`)
      }
    }
    const found = (await app.taken()).flatMap(seen => {
      const spelling = spellings[Number(seen.headers.find(([name]) => name === CASE)?.[1])]
      const problems =
        spelling === undefined ? ['nobody sent it'] : wrongs(seen, spelling, person === 'bob', proxy.facts)
      return problems.map(problem => `${spelling?.name ?? seen.url}, ${person}: ${problem}`)
    })
    for (const problem of new Set(found)) t.fail(problem)
    t.equal(found.length, 0, `of ${spellings.length} spellings of ${person}, none gets more than it should`)
  }
}
