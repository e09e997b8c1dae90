import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { buildSimulator, type OAuthClient } from '../../deploy/demo/authgear-simulator/server.mjs'
import { listenFree } from '../helpers/listen-free.ts'
import { callerAt } from './caller.ts'
import type { AuthgearServer, Person, SentWebhook } from './types.ts'
import { CALLBACK, LOGGED_OUT } from './words.ts'

const SECRET = 'the secret of the simulated clients'
const WEBHOOK_SECRET = 'the webhook secret of the simulator'
const HOST = 'authgear.test'
const APP_ID = 'simulated'
const KEY_ID = 'simulated-key'

const client = (id: string, type: NonNullable<OAuthClient['type']>, more: Partial<OAuthClient> = {}): OAuthClient => ({
  id,
  type,
  redirectUris: type === 'm2m' ? [] : [CALLBACK, 'https://app.other.test/cb'],
  postLogoutRedirectUris: type === 'm2m' ? [] : [LOGGED_OUT],
  accessTokenSeconds: 1800,
  ...more
})
const SHORT = { accessTokenSeconds: 300 }

/** The clients of the lab's project. */
const CLIENTS: readonly OAuthClient[] = [
  client('own', 'traditional_webapp'),
  client('own-spa', 'spa'),
  client('own-spa-jwt', 'spa', { ...SHORT, jwt: true }),
  client('own-rot', 'spa', { ...SHORT, rotation: true }),
  client('own-max1', 'traditional_webapp', { isAlone: true }),
  client('third', 'third_party_app', { secret: SECRET }),
  client('conf', 'confidential', { secret: SECRET }),
  client('machine', 'm2m', { secret: SECRET })
]

/** The simulated Authgear that all other tests run against. */
export async function openSimulated (t: Pick<Test, 'teardown'>): Promise<AuthgearServer> {
  const webhooks: SentWebhook[] = []
  const receiver = createServer(async (request, response) => {
    webhooks.push({ signature: String(request.headers['x-authgear-body-signature']), body: await text(request) })
    response.end()
  })
  const hook = `http://127.0.0.1:${await listenFree(t, receiver)}/webhook`
  const resources: Array<{ uri: string, scopes: readonly string[] }> = []
  const machine = { id: 'machine', secret: SECRET, scopes: [] as readonly string[] }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const simulator = buildSimulator({
    users: [],
    hosts: [HOST],
    clients: CLIENTS,
    machines: [machine],
    resources,
    publicOrigin: `https://${HOST}`,
    adminApi: { appId: APP_ID, keyId: KEY_ID, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
    webhook: { url: hook, secret: WEBHOOK_SECRET, appId: APP_ID }
  })
  t.teardown(() => simulator.close())
  const port = Number(new URL(await simulator.listen()).port)
  const { controls } = simulator
  controls.tokens.limit() // as at Authgear, always
  return {
    isSimulated: true,
    origin: `https://${HOST}`,
    clientSecret: SECRET,
    webhookSecret: WEBHOOK_SECRET,
    listen: async () => webhooks,
    ...callerAt({
      host: HOST, ports: { main: port, resolver: port, admin: port }, appId: APP_ID, keyId: KEY_ID, privateKey
    }),
    async createPerson (): Promise<Person> {
      const [id, name] = [randomUUID(), `person-${randomUUID()}`]
      const email = `${name}@example.com`
      controls.addUser({ id, name, attributes: { email, email_verified: false } })
      return { id, name, email, password: 'none' }
    },
    async disable ({ name }: Person) { controls.disable(name) },
    async verifyEmail ({ name }: Person, verified: boolean) { controls.verifyEmail(name, verified) },
    async endGrant (id: string) { controls.endGrant(id) },
    async endAllSessions ({ name }: Person) { controls.revokeSessions(name) },
    async giveRoles ({ name }: Person, keys: readonly string[]) { controls.setRoles(name, keys) },
    async endAccount ({ name }: Person) { controls.setOutsideValidity(name, true) },
    async openResource (scopes: readonly string[], allowed: readonly string[]) {
      const uri = `https://api.contract.test/${randomUUID()}`
      resources.push({ uri, scopes })
      machine.scopes = allowed
      return uri
    }
  }
}
