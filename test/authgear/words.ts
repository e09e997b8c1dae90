import { parseObject } from '../../src/base/core/json.ts'
import type { Answer } from '../helpers/request.ts'

const APP = 'https://app.other.test'
export const CALLBACK = `${APP}/_auth/callback`
export const LOGGED_OUT = `${APP}/_auth/logged-out`
/** What every question has as `state`. */
export const STATE = 's1 & "s2"'

/** Pages of Authgear that the contract tells apart; all others are "a page". */
const PAGES = ['/logout', '/settings']

/** One line: the status, where it leads, and what the JSON says. The same words for every server. */
export function saysOf ({ status, headers, body }: Answer, origin: string): string {
  const { location } = headers
  const to = location === undefined ? [] : [placeOf(new URL(location, origin), origin)]
  return [String(status), ...to, ...jsonOf(body)].join(' ')
}

function placeOf (url: URL, origin: string): string {
  if (url.origin === origin) return PAGES.includes(url.pathname) ? url.pathname : 'a page'
  const address = `${url.origin}${url.pathname}`
  const name = address === CALLBACK ? 'callback' : address === LOGGED_OUT ? 'logged-out' : address
  const fragment = url.hash.length > 1 ? ['#', ...saidIn(new URLSearchParams(url.hash.slice(1)))] : []
  return [name, ...saidIn(url.searchParams), ...fragment].join(' ')
}

/** An error in its words; of the others that they are there, and that the state is the one that was sent. */
function saidIn (query: URLSearchParams): readonly string[] {
  const error = query.has('error') ? [problem(query.get('error'), query.get('error_description'))] : []
  const others = [...query.keys()].toSorted().filter((name) => !name.startsWith('error'))
    .map((name) => name === 'state' && query.get(name) !== STATE ? 'another state' : name)
  return [...error, ...others]
}

function jsonOf (body: string): readonly string[] {
  const json = parseObject(body)
  if (json === undefined) return []
  const { error, error_description: description } = json
  if (typeof error === 'string') return [problem(error, description)]
  return [Object.keys(json).toSorted().join(',')]
}

const problem = (error: unknown, description: unknown): string => `${String(error)}: ${String(description)}`

/** Sent back to the app with an error. */
export const refused = (error: string, description: string): string =>
  `303 callback ${problem(error, description)} state`
