import { trimBlanks } from '../core/blanks.ts'
import { LOGIN_LIFETIME } from './settings.ts'

/** `__Host-`: only this very host can set it, over https; a sibling cannot toss its own. */
export const LOGIN_COOKIE = '__Host-forward-auth-login'
export const LOGOUT_COOKIE = '__Host-forward-auth-logout'

/** Lax, since the browser comes back from Authgear by a link of another host. */
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax'

/** @param rawHeaders as they arrived; @returns undefined where there is none, or more than one: then one of them is not ours */
export function readCookie (rawHeaders: readonly string[], name: string): string | undefined {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'cookie') continue
    for (const pair of (rawHeaders[i + 1] ?? '').split(';')) {
      const text = trimBlanks(pair, 0, pair.length)
      if (text.startsWith(`${name}=`)) values.push(text.slice(name.length + 1))
    }
  }
  return values.length === 1 ? values[0] : undefined
}

export function setCookie (name: string, value: string): string {
  return `${name}=${value}; Max-Age=${LOGIN_LIFETIME / 1000}; ${ATTRIBUTES}`
}

export function clearCookie (name: string): string {
  return `${name}=; Max-Age=0; ${ATTRIBUTES}`
}
