import { demo } from '../../helpers/simulator.ts'
import { goCookie } from '../../helpers/go-cookies.ts'

/**
 * Whom the simulated Authgear takes a request for, by a reading that shares nothing with ours: header lines in, Go's
 * rules. Dora is disabled, so that her credentials are nobody's.
 */
const ALIVE = [demo.alice, demo.bob, demo.anonymous]
const TOKENS = new Map<string, string>(ALIVE.map(({ id, accessToken }) => [accessToken, id]))
const APP_SESSIONS = new Map<string, string>(ALIVE.map(({ id, appSession }) => [appSession, id]))
const SESSIONS = new Map<string, string>(ALIVE.map(({ id, cookie }) => [cookie, id]))

export type Line = readonly [name: string, value: string]

export const valuesOf = (lines: readonly Line[], name: string): string[] =>
  lines.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value.replace(/^[ \t]+|[ \t]+$/g, ''))

/** @returns a user's id, or undefined for nobody */
export function whoIs (lines: readonly Line[]): string | undefined {
  const [authorization = ''] = valuesOf(lines, 'authorization')
  const [scheme = '', token = '', ...more] = authorization.split(' ')
  const cookies = valuesOf(lines, 'cookie')
  const cookie = (name: string): string => goCookie(cookies, name) ?? ''
  return (scheme.toLowerCase() === 'bearer' && more.length === 0 ? TOKENS.get(token) : undefined) ??
    APP_SESSIONS.get(cookie('app_session')) ?? TOKENS.get(cookie('app_access_token')) ?? SESSIONS.get(cookie('session'))
}

/**
 * What this service refuses although Authgear might not (docs/interface.md, "Credentials"): then 401 is right
 * for any user.
 */
export function isRefusedUnasked (lines: readonly Line[]): boolean {
  const authorizations = valuesOf(lines, 'authorization')
  return authorizations.length > 1 || /^bearer (?! ).*,/i.test(authorizations[0] ?? '')
}

/**
 * The lines of a head as any reader may split them: hostile bytes may look like the end of a line to one and not to
 * another.
 */
export function readingsOf (head: string): ReadonlyArray<readonly Line[]> {
  return [/\r\n/, /[\r\n]+/, /\r\n(?![ \t])/].map(end => head.split(end).map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim(), line.slice(colon + 1)] as const
  }))
}
