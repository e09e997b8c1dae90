import { randomBytes } from 'node:crypto'
import { LOGIN_COOKIE, readCookie, setCookie } from './cookie.ts'
import type { Seal } from './seal.ts'

/** One browser, as its cookie tells it from others; it says nothing about who sits there. */
export type Browser = Readonly<{
  id: string
  /** How often it was sent back to where it came from, each time within a minute of the time before. */
  returns: number
  /** Of the last return, or of its first login; epoch milliseconds. */
  since: number
}>

/** Milliseconds from one return to the next, and how many such: nobody signs in nine times like that, two servers that disagree do, also by a slow line. */
const WINDOW = 60_000
const MAX_RETURNS = 8

const newId = (): string => randomBytes(16).toString('base64url')

export function newBrowser (now: number): Browser {
  return { id: newId(), returns: 0, since: now }
}

/** @returns undefined for a browser that sent no cookie of ours */
export function readBrowser (seal: Seal, rawHeaders: readonly string[], now: number): Browser | undefined {
  const text = readCookie(rawHeaders, LOGIN_COOKIE)
  const opened = text === undefined ? undefined : seal.open('browser', text)
  if (opened === undefined) return undefined
  const browser = opened as Browser // authentic, so it has the form that we gave it
  return Math.abs(now - browser.since) > WINDOW ? { ...browser, returns: 0, since: now } : browser
}

/** The next id, so that no state of before counts again. */
export function returned (browser: Browser, now: number): Browser {
  return { id: newId(), returns: browser.returns + 1, since: now }
}

export function goesInCircles ({ returns }: Browser): boolean {
  return returns >= MAX_RETURNS
}

/** @returns a Set-Cookie line */
export function browserCookie (seal: Seal, browser: Browser): string {
  return setCookie(LOGIN_COOKIE, seal.seal('browser', browser))
}
