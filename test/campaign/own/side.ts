import type { Test } from 'tap'
import { startAuthgearRelay, type AuthgearRelay } from '../../helpers/authgear-relay.ts'
import { startSimulator, type RunningSimulator } from '../../helpers/simulator.ts'

/** `CAMPAIGN_SESSION=own`: people have sessions of this service, and their tokens are refreshed under the faults. */
export type OwnSide = Readonly<{
  simulator: RunningSimulator
  /** Authgear's public origin, as replicas know it. */
  endpoint: string
  env: Readonly<Record<string, string>>
  people: number
  /** Milliseconds that Authgear takes; undefined: as the round says. */
  authgearMs: number | undefined
  rotates: boolean
  /** What the token endpoint said of a grant so far. */
  saidOf: (grant: string) => Readonly<{ isRefused: boolean, isLost: boolean }>
  /** The grant of the newest login of this user. */
  grantOf: (userId: string) => string | undefined
  calls: () => number
}>

export const APP = 'https://app.example.com'
const CLIENT = 'campaign'
/** Many lives in each round. */
const LIFE_SECONDS = 5

const { CAMPAIGN_SESSION, CAMPAIGN_PEOPLE = '24', CAMPAIGN_ROTATION, CAMPAIGN_AUTHGEAR_MS } = process.env

/** @returns undefined unless it was asked for */
export async function startOwnSide (t: Test): Promise<OwnSide | undefined> {
  if (CAMPAIGN_SESSION !== 'own') return undefined
  const rotates = CAMPAIGN_ROTATION === 'on'
  const simulator = await startSimulator(t, {
    users: [],
    clients: [{
      id: CLIENT,
      redirectUris: [`${APP}/_auth/callback`],
      postLogoutRedirectUris: [`${APP}/_auth/logged-out`],
      accessTokenSeconds: LIFE_SECONDS,
      rotation: rotates
    }]
  })
  const relay = await startAuthgearRelay(t, () => simulator.port)
  return Object.freeze({
    simulator,
    endpoint: relay.url,
    env: { AUTHGEAR_ENDPOINT: relay.url, LOGIN_SESSION: 'own', TRUSTED_PROXIES: 'loopback' },
    people: Number(CAMPAIGN_PEOPLE),
    authgearMs: CAMPAIGN_AUTHGEAR_MS === undefined ? undefined : Number(CAMPAIGN_AUTHGEAR_MS),
    rotates,
    ...followCalls(relay)
  })
}

type Said = { isRefused: boolean, isLost: boolean }

/** Reads on in the relay's calls whenever somebody asks. */
function followCalls ({ calls }: AuthgearRelay): Pick<OwnSide, 'saidOf' | 'grantOf' | 'calls'> {
  const said = new Map<string, Said>()
  const newest = new Map<string, string>()
  let read = 0
  function readOn (): void {
    for (const { form, answer, isLost } of calls.slice(read)) {
      read++
      if (form['grant_type'] === 'authorization_code') {
        newest.set(subjectOf(answer['id_token']), grantIn(answer['refresh_token']))
      }
      if (form['grant_type'] !== 'refresh_token') continue
      const grant = grantIn(form['refresh_token'])
      const known = said.get(grant) ?? { isRefused: false, isLost: false }
      known.isRefused ||= answer['error'] === 'invalid_grant'
      known.isLost ||= isLost
      said.set(grant, known)
    }
  }
  return {
    saidOf (grant) { readOn(); return said.get(grant) ?? { isRefused: false, isLost: false } },
    grantOf (userId) { readOn(); return newest.get(userId) },
    calls: () => calls.length
  }
}

/** The UUID of a grant, which its refresh token begins with. */
const grantIn = (refreshToken: unknown): string => String(refreshToken).split('.')[0] ?? ''

function subjectOf (idToken: unknown): string {
  const [, claims = ''] = String(idToken).split('.')
  return String((JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}') as { sub?: string }).sub)
}
