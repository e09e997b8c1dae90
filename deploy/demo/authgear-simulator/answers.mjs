// @ts-check
import { randomBytes } from 'node:crypto'

/** @import { ServerResponse } from 'node:http' */
/** @import { Session, Verdict } from './types.d.mts' */
/** @typedef {readonly (readonly [name: string, value: string])[]} Headers */
/** @typedef {{ status: number, headers: Headers, body?: string }} Answer */

const off = [
  'accelerometer',
  'ambient-light-sensor',
  'battery',
  'bluetooth',
  'browsing-topics',
  'camera',
  'display-capture',
  'document-domain',
  'encrypted-media',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'otp-credentials',
  'payment',
  'picture-in-picture',
  'screen-wake-lock',
  'serial',
  'speaker-selection',
  'storage-access',
  'usb',
  'web-share',
  'window-management',
  'xr-spatial-tracking'
]
const everyone = ['autoplay', 'execution-while-not-rendered', 'execution-while-out-of-viewport', 'fullscreen']
const own = ['publickey-credentials-create', 'publickey-credentials-get']

const PERMISSIONS = [
  ...off.map((name) => `${name}=()`),
  ...everyone.map((name) => `${name}=*`),
  ...own.map((name) => `${name}=(self)`)
]
  .sort()
  .join(', ')

/** What Authgear puts on everything that reached its project. @type {Headers} */
const PROJECT_HEADERS = [
  ['Permissions-Policy', PERMISSIONS],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Robots-Tag', 'noindex, nofollow']
]

const TEXT = /** @type {const} */ (['Content-Type', 'text/plain; charset=utf-8'])
const NOSNIFF = /** @type {const} */ (['X-Content-Type-Options', 'nosniff'])

export const pageNotFound = () =>
  /** @type {Answer} */ ({ status: 404, headers: [TEXT, NOSNIFF], body: '404 page not found\n' })
export const projectNotFound = () =>
  /** @type {Answer} */ ({ status: 404, headers: [TEXT, ...PROJECT_HEADERS], body: 'app not found\n' })
export const healthy = () =>
  /** @type {Answer} */ ({ status: 200, headers: [['Content-Type', 'text/plain']], body: 'OK' })
export const unhealthy = () =>
  /** @type {Answer} */ ({ status: 503, headers: [TEXT, NOSNIFF], body: 'Service Unavailable\n' })

export const methodNotAllowed = (allowed = 'GET, HEAD, OPTIONS') => /** @type {Answer} */ ({
  status: 405, headers: [['Allow', allowed], TEXT, NOSNIFF], body: 'Method Not Allowed\n'
})

/** @param {string} path @returns {Answer} */
export function movedTo (path) {
  const headers = /** @type {const} */ ([['Content-Type', 'text/html; charset=utf-8'], ['Location', path]])
  return { status: 301, headers, body: `<a href="${path}">Moved Permanently</a>.\n\n` }
}

/** @param {'inside' | 'outside'} project a broken X-Forwarded-* fails before the project is known @returns {Answer} */
export function internalError (project) {
  const id = `${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}`
  const error = {
    name: 'InternalError',
    reason: 'UnexpectedError',
    message: 'unexpected error occurred',
    code: 500,
    tracking_id: id
  }
  const headers = /** @type {Headers} */ ([
    ['Content-Type', 'application/json'],
    ...(project === 'inside' ? PROJECT_HEADERS : [])
  ])
  return { status: 500, headers, body: JSON.stringify({ error }) }
}

/**
 * Always 200: the verdict is in the headers alone.
 * @param {Verdict} verdict
 * @param {string | undefined} clearCookie the Set-Cookie for a refused session cookie
 * @returns {Answer}
 */
export function verdictAnswer (verdict, clearCookie) {
  if (verdict.kind === 'nobody') return { status: 200, headers: PROJECT_HEADERS }
  if (verdict.kind === 'valid') {
    return { status: 200, headers: [...identityHeaders(verdict.session), ...PROJECT_HEADERS] }
  }
  const cleared = /** @type {Headers} */ (clearCookie === undefined ? [] : [['Set-Cookie', clearCookie]])
  return { status: 200, headers: [...cleared, ['X-Authgear-Session-Valid', 'false'], ...PROJECT_HEADERS] }
}

/** @param {Session} session @returns {Headers} */
function identityHeaders ({ user, authenticatedAt, amr }) {
  const roles = /** @type {Headers} */ (
    user.roles.length === 0 ? [] : [['X-Authgear-User-Roles', user.roles.join(',')]]
  )
  return [
    ['X-Authgear-Session-Amr', amr.join(' ')],
    ['X-Authgear-Session-Authenticated-At', String(authenticatedAt)],
    ['X-Authgear-Session-Valid', 'true'],
    ['X-Authgear-User-Anonymous', String(user.anonymous)],
    ['X-Authgear-User-Can-Reauthenticate', String(user.canReauthenticate)],
    ['X-Authgear-User-Id', user.id],
    ...roles,
    ['X-Authgear-User-Verified', String(user.verified)]
  ]
}

/**
 * Go answers these wishes of a client with a Connection header, and sends none otherwise. @type {Record<string, RegExp
 * | undefined>}
 */
const CONNECTION_ASKED = { '1.0': /keep-alive/i, 1.1: /close/i }

/**
 * As Go writes it: no Connection header on a kept connection, Date and Content-Length last.
 * @param {ServerResponse} response
 * @param {Answer} answer
 */
export function send (response, { status, headers, body = '' }) {
  if (!CONNECTION_ASKED[response.req.httpVersion]?.test(response.req.headers.connection ?? '')) {
    response.removeHeader('Connection')
  }
  response.sendDate = false
  const length =
    response.req.method === 'HEAD' && body === '' ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  response.writeHead(status, [...headers.flat(), 'Date', new Date().toUTCString(), ...length])
  response.end(body)
}
