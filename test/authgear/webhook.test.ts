import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readWebhook } from '../../src/base/authgear/webhook-events.ts'
import { objectOf, parseObject } from '../../src/base/core/json.ts'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import { until } from '../helpers/until.ts'
import { authorize, FULL_ACCESS, grantOf, redeeming, SCOPE, signedIn, tokenCall } from './sign-ins.ts'
import { openSuite } from './suite.ts'
import type { Person, SentWebhook } from './types.ts'

const suite = await openSuite('webhook')
const { server } = suite
const webhooks = await server.listen()

const typeOf = ({ body }: SentWebhook): string => String(parseObject(body)?.['type'])
const about = ({ id }: Person): readonly SentWebhook[] => webhooks.filter(({ body }) => body.includes(id))
const typesOf = (person: Person): string =>
  [...new Set(about(person).map(typeOf))].filter((type) => type !== 'user.created').toSorted().join(' ')

async function arrived (person: Person, type: string): Promise<SentWebhook> {
  const find = (): SentWebhook | undefined => about(person).find((one) => typeOf(one) === type)
  await until(`webhook ${type}`, () => find() !== undefined)
  return find() as SentWebhook
}

t.test('a webhook is signed, and names its project and user', async (t) => {
  const { person } = await signedIn(server)
  await server.disable(person)
  const { body, signature } = await arrived(person, 'user.disabled')
  t.equal(signature, createHmac('sha256', server.webhookSecret).update(body).digest('hex'))
  const event = parseObject(body) ?? {}
  suite.says(t, 'its members', Object.keys(event).toSorted().join(' '), 'context id payload seq type')
  t.match(objectOf(event['context']), { app_id: server.appId, timestamp: Number })
  t.equal(objectOf(objectOf(event['payload'])?.['user'])?.['id'], person.id)
  const reading = readWebhook(body, server.appId)
  t.match(reading, { kind: 'revokes', revocations: [{ target: { kind: 'user', userId: person.id } }] })
  t.match(readWebhook(body, 'another'), { kind: 'other_app' })
})

t.test('what is told of a session, and what is not', async (t) => {
  const { browser, person } = await signedIn(server)
  await arrived(person, 'user.authenticated')
  const { id } = await grantOf(server, browser, { x_sso_enabled: undefined, scope: `${SCOPE} ${FULL_ACCESS}` })
  const { sid, auth_time: at } = claimsOf(id) ?? {}
  while (Math.floor(Date.now() / 1000) <= Number(at)) await sleep(50)
  const { url } = await browser.signIn(authorize({ prompt: 'login', scope: 'openid', id_token_hint: id }), person)
  const before = typesOf(person)
  await tokenCall(server, redeeming(url.searchParams.get('code') ?? ''), browser.address)
  const again = parseObject((await arrived(person, 'user.reauthenticated')).body)
  const session = objectOf(objectOf(again?.['payload'])?.['session'])
  t.equal(session?.['id'], Buffer.from(String(sid), 'base64url').toString().replace('offline_grant:', ''))
  await server.endAllSessions(person)
  await server.disable(person) // later than what the end of a session could have sent
  await arrived(person, 'user.disabled')
  suite.says(t, 'types before a confirmed code is redeemed', before, 'user.authenticated')
  suite.says(t, 'types in all', typesOf(person), 'user.authenticated user.disabled user.reauthenticated')
})

suite.end()
