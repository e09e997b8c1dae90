import { randomInt } from 'node:crypto'
import { adminApiOf } from '../../../base/authgear/admin-api/account.ts'
import { AdminApiError } from '../../../base/authgear/admin-api/errors.ts'
import { globalIdOf } from '../../../base/authgear/admin-api/global-id.ts'
import { cookieNames, readCredentials } from '../../../base/core/credentials.ts'
import { listOf, objectOf, parseObject } from '../../../base/core/json.ts'
import { type Finding, found } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'
import { askAbout } from './authgear.ts'

const SESSIONS =
  'query($id:ID!){node(id:$id){... on User{sessions(first:100){edges{node{lastAccessedAt lastAccessedByIP}}}}}}'
const LIMITS = { connections: 1, deadlineMs: 5000, maxBodyBytes: 256 * 1024 } as const

/** The client's address reaches Authgear: sends one to the resolver, and asks the Admin API for it. */
export const address: Probe = {
  title: "Authgear sees people's addresses",
  needs: 'authgear',
  async run (context) {
    const { config: { adminApi }, options: { paste }, pasted, look } = context
    if (paste !== 'token') return skipped('it takes the access token of a person: --token-stdin')
    if (adminApi === undefined) return skipped('it takes the Admin API, which shows it: AUTHGEAR_ADMIN_API_URL')
    const token = pasted.trim().replace(/^authorization:\s*/i, '').replace(/^bearer\s+/i, '')
    const reading = readCredentials(['authorization', `Bearer ${token}`], cookieNames(''))
    if (reading.kind !== 'credentials') return skipped('what was pasted is no access token')
    // of a network for examples (RFC 5737), and another one each time
    const sent = `198.51.100.${randomInt(1, 255)}`
    const { reading: answer } = await askAbout(look, reading.credentials, sent)
    if (answer.kind !== 'resolution' || answer.resolution.kind !== 'valid') return skipped('the token is nobody\'s')
    const recorded = await addressOf(context, adminApi, answer.resolution.userId)
    return recorded === undefined ? skipped('the Admin API did not show it') : looked(judgeAddress(recorded, sent))
  }
}

function judgeAddress (recorded: string, sent: string): Finding | undefined {
  return recorded === sent
    ? undefined
    : found('authgear-address', `Authgear recorded ${recorded} for a session whose address was said to be ${sent}`)
}

/** The address of the user's session that was used last; undefined where the Admin API does not say it. */
async function addressOf (
  { config: { authgear }, clock }: Context,
  account: NonNullable<Context['config']['adminApi']>,
  userId: string
): Promise<string | undefined> {
  const api = adminApiOf(account, authgear, clock)(LIMITS)
  try {
    const { body } = await api.query(SESSIONS, { id: globalIdOf('User', userId) })
    return newestAddress(parseObject(body))
  } catch (error) {
    if (error instanceof AdminApiError) return undefined
    throw error
  } finally {
    await api.close()
  }
}

function newestAddress (answer: ReturnType<typeof parseObject>): string | undefined {
  const user = objectOf(objectOf(answer?.['data'])?.['node'])
  const edges = listOf(objectOf(user?.['sessions'])?.['edges']).map((edge) => objectOf(objectOf(edge)?.['node']) ?? {})
  const [newest] = edges.toSorted((one, other) =>
    String(other['lastAccessedAt']).localeCompare(String(one['lastAccessedAt'])))
  const recorded = newest?.['lastAccessedByIP']
  return typeof recorded === 'string' && /^[\da-f.:]{2,45}$/i.test(recorded) ? recorded : undefined
}
