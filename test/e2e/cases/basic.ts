import { type Answer, ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { startSimulator } from '../../helpers/simulator.ts'
import { until } from '../../helpers/until.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import { shipped, type Case } from './case.ts'

const URI = `https://${HOST}/dav`
const SECRET = 'its secret'
const basic = (secret: string, scheme = 'Basic'): HeaderLine =>
  ['Authorization', `${scheme} ${Buffer.from(`machine:${secret}`).toString('base64')}`]
/** Newer than the replica, whatever the machine's speed. */
const AHEAD_MS = 4000
const OPTIONS = [
  '--resource', `${URI}=/dav`, '--scope', 'read', '--policy', '/dav=basic=on&identity=remote&as=radicale'
]

type Row = readonly [what: string, headers: readonly HeaderLine[], status: 200 | 401, challenge: boolean]
const ROWS: readonly Row[] = [
  ['nothing', [], 401, true],
  ['its id and secret', [basic(SECRET)], 200, false],
  ['the scheme in lower case', [basic(SECRET, 'basic')], 200, false],
  ['a wrong secret', [basic('wrong')], 401, true],
  ['a page of a browser', [basic(SECRET), ['Sec-Fetch-Mode', 'navigate']], 401, false],
  ['another site', [basic(SECRET), ['Sec-Fetch-Site', 'cross-site']], 401, false],
  ['another origin', [basic(SECRET), ['Origin', 'https://evil.example']], 401, false],
  ['its own origin', [basic(SECRET), ['Origin', `https://${HOST}`]], 200, false],
  ['a user of its own', [basic(SECRET), ['Remote-User', 'evil'], ['X-Authgear-User-Id', 'evil']], 200, false]
]

export const basicRoutes: readonly Case[] = [{
  name: 'basic=on: a machine passes by its secret, which the app does not see',
  only: (proxy) => shipped(proxy) || proxy.server === 'envoy',
  async run (t, _, proxy) {
    const authgear = await startSimulator(t, {
      now: () => Date.now() + AHEAD_MS,
      resources: [{ uri: URI, scopes: ['read'] }],
      machines: [{ id: 'machine', secret: SECRET, scopes: ['read'] }],
      clients: []
    })
    const env = { AUTHGEAR_ENDPOINT: authgear.url, RESOURCES: `${URI}#read` }
    const replica = await startOneReplica(t, env, { authgear, grpc: proxy.grpc === true })
    const { port, app } = await startBefore(t, { ...proxy, tls: false }, replica, { options: OPTIONS })
    const get = (headers: readonly HeaderLine[], path = '/dav/x'): Promise<Answer> => ask(port, { path, headers })
    await until('the keys are there', async () => (await get([basic(SECRET)])).status === 200)
    for (const [what, headers, status, challenge] of ROWS) {
      const before = app.received.length
      const answer = await get(headers)
      t.equal(answer.status, status, what)
      t.equal(/Basic realm=/.test(answer.headers['www-authenticate'] ?? ''), challenge, `${what}: is it asked for?`)
      t.equal(app.received.length - before, status === 200 ? 1 : 0, `${what}: what reached the app`)
      const lines = app.received.at(-1)?.rawHeaders ?? []
      t.notMatch(JSON.stringify(lines), /authorization|evil/i, `${what}: no secret, and no name of the client's`)
      const at = lines.findIndex((name) => name.toLowerCase() === 'remote-user')
      t.equal(lines[at + 1], 'radicale', `${what}: the app's user`)
    }
    t.equal((await get([basic(SECRET)], '/other')).status, 401, 'a route without it')
  }
}]
