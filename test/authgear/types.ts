import type { AdminApiSettings } from '../../src/base/authgear/admin-api/client.ts'
import type { Answer, HeaderLine } from '../helpers/request.ts'

/** Authgear's three listeners. */
export type Surface = 'main' | 'resolver' | 'admin'

export interface Call {
  readonly method?: string
  readonly headers?: readonly HeaderLine[]
  readonly cookie?: string
  readonly form?: Readonly<Record<string, string | undefined>>
  /** Of the client: each has limits of its own. */
  readonly address?: string
}

export interface Person {
  readonly id: string
  /** Of the simulator. */
  readonly name: string
  readonly email: string
  readonly password: string
}

export interface SentWebhook {
  readonly signature: string
  readonly body: string
}

/** A project at an Authgear: clients, people, and what an administrator does. */
export interface AuthgearServer {
  readonly isSimulated: boolean
  /** The project's public origin. */
  readonly origin: string
  /** Of the clients with one. */
  readonly clientSecret: string
  readonly webhookSecret: string
  /** Webhooks that come from here on: at one port, so for one file of the suite. */
  listen (): Promise<readonly SentWebhook[]>
  call (surface: Surface, path: string, call?: Call): Promise<Answer>
  /** By a proxy that believes nobody: what Authgear makes of these headers alone. */
  callPlainly (surface: Surface, path: string, call?: Call): Promise<Answer>
  /** As the service has it configured. */
  readonly adminApi: AdminApiSettings
  readonly appId: string
  readonly resolverPort: number
  createPerson (): Promise<Person>
  disable (person: Person): Promise<void>
  /** As an administrator does. */
  verifyEmail (person: Person, verified: boolean): Promise<void>
  /** @param id the UUID in a `sid` */
  endGrant (id: string): Promise<void>
  endAllSessions (person: Person): Promise<void>
  giveRoles (person: Person, keys: readonly string[]): Promise<void>
  /** Its account is valid for two seconds more, or less. */
  endAccount (person: Person): Promise<void>
  /** Lets the client `machine` have these scopes of a new resource. @returns the resource's URI */
  openResource (scopes: readonly string[], allowed: readonly string[]): Promise<string>
}
