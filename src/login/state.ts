import type { Seal } from './seal.ts'
import { LOGIN_LIFETIME } from './settings.ts'

/** What comes back from Authgear as it was sent: sealed, so nobody but this service made it. */
export type State = Readonly<{
  /** Canonical; was allowed when it was sealed. */
  returnTo: string
  /** The browser it was made for (its cookie's id). */
  browser: string
  /** How Authgear was asked: without showing anything (`prompt=none`), with its login page, or with that page whatever session there is. */
  mode: 'silent' | 'interactive' | 'step-up'
  maxAge: number | undefined
  locales: string | undefined
  /** How often this login was begun anew by itself. */
  restarts: number
  /** Epoch milliseconds. */
  issuedAt: number
}>

/** Milliseconds by which another replica's clock may be ahead. */
const MAX_AHEAD = 60_000

export function sealState (seal: Seal, state: State): string {
  return seal.seal('state', state)
}

/** @returns undefined for what this service did not seal as a state */
export function openState (seal: Seal, text: string): State | undefined {
  const opened = seal.open('state', text)
  // authentic, so it has the form that we gave it
  return opened === undefined ? undefined : opened as State
}

export function isCurrent ({ issuedAt }: Readonly<{ issuedAt: number }>, now: number): boolean {
  return now - issuedAt <= LOGIN_LIFETIME && issuedAt - now <= MAX_AHEAD
}
