import { readFileSync } from 'node:fs'
import { headersNamed, type Exchange, type HeaderList } from './recorded.ts'
import type { RunningSimulator } from './simulator.ts'

const specified = JSON.parse(
  readFileSync(new URL('../fixtures/third-party.json', import.meta.url), 'utf8')
) as Readonly<{ exchanges: readonly Exchange[] }>

/** What the resolver says to such a token by Authgear's specification: nobody has recorded it. */
export function specifiedAnswer (): HeaderList {
  const [exchange] = specified.exchanges
  return headersNamed(exchange?.response.headers ?? [], /^x-authgear-/i)
}

/** A third-party client of a person, with an opaque access token for `/oauth2/userinfo` alone. @returns the token */
export function addThirdPartyClient ({ controls }: Pick<RunningSimulator, 'controls'>): string {
  const token = 'thirdPartyOpaqueAccessToken00000'
  controls.addUser({
    id: 'a6e17000-0000-4000-8000-000000000007', name: 'carol', sessions: [{ thirdPartyTokens: [token] }]
  })
  return token
}
