// A session of this service's own (LOGIN_SESSION=own), as a browser gets one that is signed in at Authgear.
import { request } from 'undici'
import { SESSION } from './lib.mjs'

const ORIGIN = 'https://app.example.com'
const CLIENT = 'bench'
/** What each proxy says of a client's request to that app. */
export const FORWARDED = [
  'X-Forwarded-Host: app.example.com', 'X-Forwarded-Proto: https', 'X-Forwarded-Uri: /orders', 'X-Forwarded-Method: GET'
]
const NAVIGATION = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', 'Accept: text/html']
/** The simulator's client, and the variables of a service that signs people in by it. */
export const LOGIN_CLIENT = {
  id: CLIENT, redirectUris: [`${ORIGIN}/_auth/callback`], postLogoutRedirectUris: [`${ORIGIN}/_auth/logged-out`]
}
export const OWN = {
  LOGIN_CLIENT_ID: CLIENT,
  LOGIN_SESSION: 'own',
  LOGIN_PUBLIC_URL: ORIGIN,
  LOGIN_SECRET: 'another secret of the bench, 32 B'
}

/** @returns the line of the cookie that the service at that address set, after Authgear sent the browser back */
export async function ownSessionOf (service) {
  const page = (path, lines = []) => ask(`${service}${path}`, [...FORWARDED, ...NAVIGATION, ...lines])
  const begun = await page('/_auth/login?rd=/')
  const { headers: { location } } = await ask(begun.headers.location, [`Cookie: session=${SESSION}`])
  const { pathname, search } = new URL(location)
  const back = await page(pathname + search, [`Cookie: ${pairsOf(begun)}`])
  const session = pairsOf(back).split('; ').find((pair) => pair.startsWith('__Host-forward-auth='))
  if (session === undefined) throw new Error(`nobody was signed in: ${back.status} ${back.text.slice(0, 200)}`)
  return `Cookie: ${session}`
}

const pairsOf = ({ headers }) =>
  [headers['set-cookie'] ?? []].flat().map((line) => line.split(';', 1)[0]).join('; ')

/** One request; no redirect is followed. @param lines `Name: value`, as wrk takes them */
export async function ask (url, lines, options = {}) {
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/, 2)))
  const { statusCode, headers: received, body } = await request(url, { headers, ...options })
  return { status: statusCode, headers: received, text: await body.text() }
}
