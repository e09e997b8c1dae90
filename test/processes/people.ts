import { randomBytes, randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { RunningSimulator } from '../helpers/simulator.ts'
import type { HeaderLine } from '../helpers/request.ts'

/** Milliseconds of this process' monotonic clock. */
export type Moment = number

/** One user with one session, known by a token and by a cookie; ends once, and never comes back. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly isAdmin: boolean
  readonly token: string
  readonly cookie: string
  /** When Authgear ended the session. */
  endedAt?: Moment
  /** When a replica said that the revocation is in the log. */
  revokedAt?: Moment
}

const opaque = (): string => randomBytes(24).toString('base64url').replaceAll(/[-_]/g, 'x')

export function signIn ({ controls }: RunningSimulator, isAdmin: boolean): Person {
  const id = randomUUID()
  const person = { id, name: id, isAdmin, token: opaque(), cookie: `${randomUUID()}.${opaque()}` }
  controls.addUser({
    id,
    name: id,
    roles: isAdmin ? ['admin', 'staff'] : ['staff'],
    sessions: [{ accessTokens: [person.token], cookie: person.cookie }]
  })
  return person
}

/** At Authgear; nobody has told us yet. */
export function disable ({ controls }: RunningSimulator, person: Person): void {
  controls.disable(person.name)
  person.endedAt = performance.now()
}

/** The ways in which one person may send who they are; some beside a junk credential, which makes another key of it. */
export function credentialsOf (person: Person, choice: number): readonly HeaderLine[] {
  const ways: ReadonlyArray<readonly HeaderLine[]> = [
    [['Authorization', `Bearer ${person.token}`]],
    [['Cookie', `theme=dark; session=${person.cookie}`]],
    [['Cookie', `app_access_token=${person.token}`]],
    [['Cookie', `session=${person.cookie}; app_session=junk`]]
  ]
  return ways[choice % ways.length] ?? []
}
