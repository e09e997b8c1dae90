// @ts-check
import { createHmac, randomUUID } from 'node:crypto'

/** @import { AuditEvent, SimulatorOptions } from './types.d.mts' */

/** Which entries of the audit log are told by a webhook as well; sign-outs, ended sessions and roles are not. */
const TYPES = /** @type {Readonly<Record<string, string>>} */ ({
  USER_AUTHENTICATED: 'user.authenticated',
  USER_REAUTHENTICATED: 'user.reauthenticated',
  USER_DISABLED: 'user.disabled',
  USER_REENABLED: 'user.reenabled'
})

/**
 * Tells a deed that is written into the audit log to a handler: once, and not again where nobody answers.
 * @param {SimulatorOptions['webhook']} webhook
 */
export function createWebhooks (webhook) {
  let seq = 0
  /** @param {string} body @param {NonNullable<SimulatorOptions['webhook']>} to */
  async function post (body, { url, secret }) {
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    const headers = { 'content-type': 'application/json', 'x-authgear-body-signature': signature }
    await fetch(url, { method: 'POST', headers, body })
  }

  /** @param {AuditEvent} event */
  return function tell ({ activityType, userId, payload, triggeredBy = 'user' }) {
    const type = TYPES[activityType]
    if (webhook === undefined || type === undefined) return
    const context = {
      timestamp: Math.floor(Date.now() / 1000), user_id: userId, triggered_by: triggeredBy, app_id: webhook.appId
    }
    post(JSON.stringify({ id: randomUUID(), seq: ++seq, type, payload, context }), webhook).catch(() => {})
  }
}
