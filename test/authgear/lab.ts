import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import type { Test } from 'tap'
import { openAdminApi } from '../../src/base/authgear/admin-api/client.ts'
import { listOf, objectOf, parseObject } from '../../src/base/core/json.ts'
import { callerAt } from './caller.ts'
import type { AuthgearServer, Person, SentWebhook } from './types.ts'

/** Where the lab's project sends its webhooks, too; a port that no replica of the service has. */
const DEFAULT_WEBHOOK_PORT = '24480'

/** A real Authgear. @param file what AUTHGEAR_LAB names: `NAME=value` lines */
export async function openLab (t: Pick<Test, 'teardown'>, file: string): Promise<AuthgearServer> {
  const env = parseEnv(readFileSync(file, 'utf8'))
  const need = (name: string): string => {
    const value = env[name]
    if (value === undefined) throw new Error(`${file} has no ${name}: is it a lab's main.env?`)
    return value
  }
  const contentOf = (name: string): string => readFileSync(need(name), 'utf8').trim()
  const host = need('OWN_HOST')
  const key = parseObject(contentOf('OWN_ADMIN_KEY_FILE')) ?? {}
  const caller = callerAt({
    host,
    ports: {
      main: Number(need('MAIN_PORT')), resolver: Number(need('RESOLVER_PORT')), admin: Number(need('ADMIN_PORT'))
    },
    appId: need('OWN_PROJECT'),
    keyId: String(key['kid']),
    privateKey: createPrivateKey({ key, format: 'jwk' })
  })
  const mutate = createMutations(t, caller)
  return {
    isSimulated: false,
    origin: `https://${host}`,
    clientSecret: contentOf('OWN_CLIENT_SECRET_FILE'),
    webhookSecret: contentOf('OWN_WEBHOOK_SECRET_FILE'),
    listen: () => receiveWebhooks(t, Number(env['AUTHGEAR_WEBHOOK_PORT'] ?? DEFAULT_WEBHOOK_PORT)),
    ...caller,
    async createPerson (): Promise<Person> {
      const name = `contract-${randomUUID()}`
      const email = `${name}@example.com`
      const password = `Lab-${randomBytes(9).toString('hex')}`
      const user = await mutate('createUser', { definition: { loginID: { key: 'email', value: email } }, password })
      return { id: Buffer.from(user, 'base64url').toString().replace('User:', ''), name, email, password }
    },
    async disable ({ id }: Person) {
      await mutate('setDisabledStatus', { userID: nodeId('User', id), isDisabled: true })
    },
    async verifyEmail ({ id, email }: Person, isVerified: boolean) {
      const claim = { claimName: 'email', claimValue: email, isVerified }
      await mutate('setVerifiedStatus', { userID: nodeId('User', id), ...claim })
    },
    async endGrant (id: string) { await mutate('revokeSession', { sessionID: nodeId('Session', id) }) },
    async endAllSessions ({ id }: Person) { await mutate('revokeAllSessions', { userID: nodeId('User', id) }) },
    async giveRoles ({ id }: Person, keys: readonly string[]) {
      for (const key of keys) await mutate('createRole', { key }, 'role')
      await mutate('addUserToRoles', { userID: nodeId('User', id), roleKeys: keys })
    },
    async endAccount ({ id }: Person) {
      // a time that is over already would end the sessions, too
      const accountValidUntil = new Date(Date.now() + 2000).toISOString()
      await mutate('setAccountValidUntil', { userID: nodeId('User', id), accountValidUntil })
    },
    async openResource (scopes: readonly string[], allowed: readonly string[]) {
      const resourceURI = `https://api.contract.test/${randomUUID()}`
      await mutate('createResource', { resourceURI }, 'resource')
      for (const scope of scopes) await mutate('createScope', { resourceURI, scope }, 'scope')
      await mutate('addResourceToClientID', { resourceURI, clientID: 'machine' }, 'resource')
      await mutate('addScopesToClientID', { resourceURI, clientID: 'machine', scopes: allowed }, 'scopes')
      return resourceURI
    }
  }
}

const nodeId = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url')

/** @returns the id of what was changed, where it is one */
function createMutations (t: Pick<Test, 'teardown'>, { adminApi }: Pick<AuthgearServer, 'adminApi'>) {
  const api = openAdminApi(adminApi, { connections: 1, deadlineMs: 10_000, maxBodyBytes: 2 ** 20 })
  t.teardown(() => api.close())
  return async (name: string, input: object, about = 'user'): Promise<string> => {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`
    const { body } = await api.query(`mutation($i:${type}!){${name}(input:$i){${about}{id}}}`, { i: input })
    const answer = parseObject(body)
    const [problem] = listOf(answer?.['errors'])
    const changed = objectOf(objectOf(answer?.['data'])?.[name])?.[about]
    if (problem !== undefined || changed === undefined) throw new Error(`${name}: ${JSON.stringify(problem ?? body)}`)
    return String(objectOf(changed)?.['id'])
  }
}

async function receiveWebhooks (t: Pick<Test, 'teardown'>, port: number): Promise<readonly SentWebhook[]> {
  const webhooks: SentWebhook[] = []
  const receiver = createServer(async (request, response) => {
    webhooks.push({ signature: String(request.headers['x-authgear-body-signature']), body: await text(request) })
    response.end()
  })
  await once(receiver.listen(port, '127.0.0.1'), 'listening')
  t.teardown(() => { receiver.close() })
  return webhooks
}
