import { adminApiOf } from '../base/authgear/admin-api/account.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { loadConfig } from '../app/config.ts'
import type { Config } from '../base/config/index.ts'
import { quote } from '../base/config/kind.ts'
import { isUserId } from '../base/core/resolution.ts'
import { sessionNamed } from '../base/core/session-id.ts'
import { type Out, readArguments, refuse } from './command-line.ts'
import { endAtAuthgear, type Ended, type Owner as Sessions } from '../base/authgear/admin-api/end-sessions.ts'
import { purgeHere } from './revoke/here.ts'

const USAGE = `usage: authgear-forward-auth revoke (--user ID | --session ID | --client ID) [--ended]

Logs a user or a session out everywhere: ends it at Authgear by the Admin API, then makes this replica forget it, and
with Redis all replicas. Run it beside a replica, with its environment.

  --user ID     all sessions of this user
  --session ID  this session: the UUID from the audit log, or the sid of an ID token
  --client ID   the resource tokens of this client, which Authgear cannot end
  --ended       Authgear has ended the sessions already: do not ask it
  -h, --help    print this
`

const OPTIONS = {
  user: { type: 'string' },
  session: { type: 'string' },
  client: { type: 'string' },
  ended: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

const NO_ADMIN_API = 'AUTHGEAR_ADMIN_API_URL is not set, so the sessions would continue at Authgear: set it, or end ' +
  'them in the portal and run this with --ended'

/** What is revoked. */
type Owner = Readonly<{ kind: 'user' | 'session' | 'client', id: string }>

const LIMITS = { connections: 1, deadlineMs: 10_000, maxBodyBytes: 64 * 1024 } as const
const FIELDS = { user: 'user_id', session: 'sid', client: 'client_id' } as const

/** The rest of what a person who revokes has to know. */
const REMAINS = {
  user: 'The user can sign in again: disable the account in the portal to prevent it. ' +
    'Open connections stay until the app closes them (docs/open-connections.md).',
  session: "The user's other sessions continue, and the user can sign in again.",
  client: 'The client can get new tokens: block it to prevent it (docs/resource-tokens.md#block-a-client).'
} as const

/** Ends sessions at Authgear, then here. Returns the exit code: 0 only if both have ended them. */
export async function revoke (
  args: readonly string[], env: NodeJS.ProcessEnv, out: Out, err: Out, clock: Pick<Clock, 'wall'> = systemClock
): Promise<0 | 1> {
  const values = readArguments(args, OPTIONS, () => 'revoke takes --user ID, --session ID or --client ID')
  if (typeof values === 'string') return refuse([values], err)
  if (values.help === true) {
    out.write(USAGE)
    return 0
  }
  const owner = ownerIn(values)
  if (typeof owner === 'string') return refuse([owner], err)
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') return refuse(['the configuration is wrong: run `check`'], err)
  const { config } = loaded
  const { kind, id } = owner
  const atAuthgear = kind === 'client' || values.ended === true ? undefined : { kind, id } as const
  const lacks = lackIn(config, atAuthgear !== undefined)
  if (lacks.length > 0) return refuse(lacks, err)
  const ended = atAuthgear && await askAuthgear(atAuthgear, config, clock)
  const userId = kind === 'session' && ended?.kind === 'ended' ? ended.userId : undefined
  const failures = [
    ended && report('Authgear', ended.kind === 'problem' ? ended.problem : undefined, out),
    report('this service', await endHere(config, { kind, id }, userId), out)
  ].filter((one) => one !== undefined)
  out.write(`${REMAINS[kind]}\n`)
  if (kind === 'session' && userId === undefined) out.write(`${lateEnd(config)}\n`)
  return failures.length === 0 ? 0 : refuse(failures, err)
}

/**
 * @param userId of the session: all that the user has is asked about again, such as own sessions that this one began
 * @returns the problem
 */
async function endHere (config: Config, { kind, id }: Owner, userId: string | undefined): Promise<string | undefined> {
  const problem = await purgeHere(config, { [FIELDS[kind]]: id })
  return problem ?? (userId === undefined ? undefined : await purgeHere(config, { [FIELDS.user]: userId }))
}

const lateEnd = ({ cache: { ttlMs } }: Config): string =>
  `Tokens and own sessions (LOGIN_SESSION=own) that it began may continue for ${ttlMs / 1000} s (CACHE_TTL): ` +
  'revoke --user ID --ended prevents it.'

/** @returns the one that the options name, or what is wrong as a sentence */
function ownerIn (values: Readonly<Partial<Record<Owner['kind'], string>>>): Owner | string {
  const named = (['user', 'session', 'client'] as const).filter((kind) => values[kind] !== undefined)
  const [kind] = named
  if (kind === undefined || named.length > 1) return 'name one of --user ID, --session ID and --client ID'
  const { [kind]: text = '' } = values
  const id = idOf(kind, text)
  return id === undefined ? `--${kind}: ${quote(text)} is not the id of a ${kind}` : { kind, id }
}

function idOf (kind: Owner['kind'], text: string): string | undefined {
  if (kind === 'session') return sessionNamed(text)
  if (kind === 'user') return isUserId(text) && isTrimmed(text) ? text : undefined
  return text !== '' && isTrimmed(text) ? text : undefined
}

/** Blanks of a paste would name nobody, and all would seem well. */
const isTrimmed = (text: string): boolean => text.trim() === text

function lackIn ({ management, managementToken, adminApi }: Config, asksAuthgear: boolean): readonly string[] {
  return [
    ...management === undefined ? ['MANAGEMENT_LISTEN is off: this command needs it'] : [],
    ...managementToken === undefined ? ['MANAGEMENT_TOKEN is not set: this command needs it'] : [],
    ...asksAuthgear && adminApi === undefined ? [NO_ADMIN_API] : []
  ]
}

async function askAuthgear (
  sessions: Sessions, { adminApi, authgear }: Config, clock: Pick<Clock, 'wall'>
): Promise<Ended> {
  if (adminApi === undefined) return { kind: 'problem', problem: NO_ADMIN_API }
  const api = adminApiOf(adminApi, authgear, clock)(LIMITS)
  return await endAtAuthgear(api, sessions).finally(api.close)
}

/** Says it. @returns the problem, with whose it is */
function report (whose: string, problem: string | undefined, out: Out): string | undefined {
  if (problem !== undefined) return `${whose}: ${problem}`
  out.write(`${whose}: ended\n`)
  return undefined
}
