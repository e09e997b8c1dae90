// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'
import {
  healthy,
  internalError,
  methodNotAllowed,
  movedTo,
  projectNotFound,
  send,
  unhealthy,
  verdictAnswer
} from './answers.mjs'
import { readCredentials } from './credentials.mjs'
import { FAILURES } from './failures.mjs'
import { isKnownHost, readOrigin } from './origin.mjs'
import { createSessionLock } from './session-lock.mjs'
import { findSession, judge, needsLookup } from './verdict.mjs'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { Grant } from './grants.mjs' */
/** @import { SentCredentials, SimulatorOptions } from './types.d.mts' */

/**
 * @typedef {object} Parts
 * @property {SimulatorOptions} options
 * @property {import('./directory.mjs').Directory} directory
 * @property {ReturnType<typeof import('./controls.mjs').createControls>} control
 * @property {ReturnType<typeof import('./counters.mjs').createCounters>} counting
 * @property {import('./cookies.mjs').CookieWriter} cookies
 * @property {import('./audit-controls.mjs').Audit} audit
 * @property {import('./user-query.mjs').UserQueries} userQueries
 * @property {AbortSignal} closing
 * @property {() => readonly import('./types.d.mts').OAuthClient[]} clients
 * @property {import('./dynamic-clients.mjs').DynamicClients} dynamicClients
 * @property {ReturnType<typeof import('./oauth-routes.mjs').readBrowser>} browser
 * @property {import('./grants.mjs').Grants} grants
 * @property {import('./issuer.mjs').Issuer} issuer
 * @property {ReturnType<typeof import('./token-faults.mjs').createTokenFaults>} tokenFaults
 * @property {import('./audit-controls.mjs').Chronicle} chronicle
 * @property {Map<string, import('./grant-tokens.mjs').SignInCode>} signInCodes
 * @property {Map<import('./types.d.mts').Session, Grant>} askedAgain whose owner just signed in again
 * @property {import('./userinfo.mjs').Userinfo} userinfo
 * @property {() => number} now epoch milliseconds
 */

const PATHS = new Set(['/resolve', '/_resolver/resolve'])

/** Answers the resolver's paths; false where a request is for somebody else. @param {Parts} parts */
export function createResolver (parts) {
  const { controls } = parts.control
  const resolve = createResolution(parts)

  /** @param {IncomingMessage} request @param {ServerResponse} response */
  return function handle (request, response) {
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (path === '/healthz') return done(send(response, controls.outage === 'none' ? healthy() : unhealthy()))
    const cleaned = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
    if (!PATHS.has(cleaned)) return false
    if (path !== cleaned) return done(send(response, movedTo(cleaned)))
    if (request.method !== 'GET' && request.method !== 'HEAD') return done(send(response, methodNotAllowed()))
    // a body that is announced is waited for, as Authgear does; closing the simulator ends all waiting
    request.resume().once('end', () => resolve(request, response).catch(() => response.destroy()))
    return true
  }
}

/** @param {void} _ */
const done = _ => true

/** @param {Parts} parts */
function createResolution ({ options, directory, grants, control, counting, cookies, closing }) {
  const { controls } = control
  const lock = createSessionLock()
  const pause = (/** @type {number} */ ms) => ms > 0 ? sleep(ms, undefined, { signal: closing }) : undefined

  /** @param {SentCredentials} sent @param {{ scheme: string, host: string }} origin */
  function answerOf (sent, { scheme, host }) {
    if (!isKnownHost(host, options.hosts)) return projectNotFound()
    const verdict = judge(sent, directory, `${scheme}://${host}`)
    return verdictAnswer(verdict, sent.session === undefined ? undefined : cookies.clear(scheme))
  }

  /** @param {SentCredentials} sent @returns {Promise<'answer' | 'error' | 'nothing'>} */
  async function reachStores (sent) {
    if (controls.outage === 'database') return 'error'
    if (controls.outage === 'database-frozen') return 'nothing'
    if (controls.outage === 'none' || !needsLookup(sent)) return 'answer'
    if (controls.outage === 'redis-frozen') await pause(controls.frozenRedisDelay)
    return 'error'
  }

  /** @param {SentCredentials} sent @param {{ scheme: string, host: string }} origin @param {string} session */
  async function resolveLocked (sent, origin, session) {
    const unlock = controls.sessionLock && session !== '' ? await lock.acquire(session, closing) : () => {}
    if (unlock === undefined) return internalError('inside')
    try {
      await pause(controls.latency)
      const answer = answerOf(sent, origin)
      const grant = grants.byAccessToken(sent.bearer ?? '')
      if (grant !== undefined) grants.touch(grant)
      await control.pass('after')
      return answer
    } finally {
      unlock()
    }
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response */
  return async function resolve (request, response) {
    const sent = readCredentials(request.rawHeaders, options.cookiePrefix ?? '')
    const origin = readOrigin(request, options.trustProxy ?? true)
    const session = origin && findSession(sent, directory, `${origin.scheme}://${origin.host}`)?.key
    const end = counting.begin(request, sent, session ?? JSON.stringify(sent))
    response.once('close', end)
    await control.pass('before')
    const failure = control.nextFailure()
    if (failure !== undefined) return FAILURES[failure](response)
    if (origin === undefined) return send(response, internalError('outside'))
    const reached = await reachStores(sent)
    if (reached === 'nothing') return
    send(response, reached === 'error' ? internalError('inside') : await resolveLocked(sent, origin, session ?? ''))
  }
}
