import {
  buildSimulator, type Counters, type Controls, type SimulatorOptions
} from '../../deploy/demo/authgear-simulator/server.mjs'

export type {
  AuditFailure,
  FailureMode,
  Controls,
  SessionEntry,
  SimulatorOptions,
  UserEntry
} from '../../deploy/demo/authgear-simulator/server.mjs'

/** What of a tap test is needed to close what was opened. */
interface Closes { teardown (close: () => Promise<void>): void }

export interface RunningSimulator {
  /** e.g. `http://127.0.0.1:40123`; the resolver is at `/_resolver/resolve` and `/resolve` */
  readonly url: string
  readonly port: number
  readonly controls: Controls
  readonly counters: Counters
  /** Idempotent; the test's teardown calls it too. */
  readonly close: () => Promise<void>
}

/** The credentials of the users in deploy/demo/authgear-simulator/users.json. */
export const demo = Object.freeze({
  alice: Object.freeze({
    id: 'a11ce000-0000-4000-8000-000000000001',
    accessToken: 'demoAccessTokenOfAlice0000000000',
    cookie: 'a11ce000-0000-4000-8000-0000000000c1.demoSessionCookieOfAlice00000000',
    appSession: 'demoAppSessionOfAlice00000000000'
  }),
  bob: Object.freeze({
    id: 'b0b00000-0000-4000-8000-000000000002',
    accessToken: 'demoAccessTokenOfBob000000000000',
    cookie: 'b0b00000-0000-4000-8000-0000000000c2.demoSessionCookieOfBob0000000000',
    appSession: 'demoAppSessionOfBob0000000000000'
  }),
  anonymous: Object.freeze({
    id: 'a0000000-0000-4000-8000-000000000003',
    accessToken: 'demoAccessTokenOfAnonymous000000',
    cookie: 'a0000000-0000-4000-8000-0000000000c3.demoSessionCookieOfAnonymous0000',
    appSession: 'demoAppSessionOfAnonymous0000000'
  }),
  /** disabled from the start */
  dora: Object.freeze({
    id: 'd15ab1ed-0000-4000-8000-000000000004',
    accessToken: 'demoAccessTokenOfDora00000000000',
    cookie: 'd15ab1ed-0000-4000-8000-0000000000c4.demoSessionCookieOfDora000000000',
    appSession: 'demoAppSessionOfDora000000000000'
  })
})

/** A simulated Authgear on a free port (or `port`), closed when the test ends. */
export async function startSimulator (
  t: Closes,
  options: SimulatorOptions & { readonly port?: number } = {}
): Promise<RunningSimulator> {
  const { port: wanted = 0, ...rest } = options
  const simulator = buildSimulator(rest)
  t.teardown(() => simulator.close())
  const url = await simulator.listen({ port: wanted })
  return Object.freeze({
    url,
    port: Number(new URL(url).port),
    controls: simulator.controls,
    counters: simulator.counters,
    close: simulator.close
  })
}
