import { randomBytes, randomUUID } from 'node:crypto'
import type { HeaderLine } from '../helpers/request.ts'
import type { RunningSimulator } from '../helpers/simulator.ts'
import type { Covers } from './history.ts'

/** One user with one session, known by a token and by a cookie; ends once, and never comes back. */
export type Person = {
  readonly id: string
  readonly token: string
  readonly cookie: string
  isAdmin: boolean
  hasEnded: boolean
  /** Chosen for something that one person can only do once at a time. */
  isBusy: boolean
}

/** A token that nobody takes for a JWT, which one in 262,144 at random would begin like. */
const opaque = (): string => `o${randomBytes(24).toString('base64url').replaceAll(/[-_]/g, 'x')}`

export function signIn ({ controls }: RunningSimulator, isAdmin: boolean): Person {
  const id = randomUUID()
  const person: Person = {
    id, isAdmin, token: opaque(), cookie: `${randomUUID()}.${opaque()}`, hasEnded: false, isBusy: false
  }
  controls.addUser({
    id, name: id, roles: rolesOf(isAdmin), sessions: [{ accessTokens: [person.token], cookie: person.cookie }]
  })
  return person
}

export const rolesOf = (isAdmin: boolean): readonly string[] => isAdmin ? ['admin', 'staff'] : ['staff']

/**
 * The ways in which one person may send who they are; one beside a junk credential, which makes another key of it. The
 * junk is theirs: people who share a credential share four slots.
 */
export const WAYS: ReadonlyArray<(person: Person) => readonly HeaderLine[]> = [
  ({ token }) => [['Authorization', `Bearer ${token}`]],
  ({ cookie }) => [['Cookie', `theme=dark; session=${cookie}`]],
  ({ token }) => [['Cookie', `app_access_token=${token}`]],
  ({ id, cookie }) => [['Cookie', `session=${cookie}; app_session=junk-of-${id}`]]
]

/** Whether a revocation of that holds for a request in this way. */
export const coversWay = (covers: Covers, way: number): boolean => covers === 'user' || way === 1 || way === 3
