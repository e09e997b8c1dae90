import { createHmac } from 'node:crypto'
import type { Asked } from './request.ts'

export const WEBHOOK_SECRET = 'a webhook secret of the tests'

export const sign = (body: string, secret = WEBHOOK_SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex')

/** The event of a user whom an administrator disabled, as Authgear writes it. */
export const disabledEvent = (userId: string, id = 'event'): string =>
  JSON.stringify({
    id, type: 'user.disabled', payload: { user: { id: userId } }, context: { app_id: 'app', user_id: userId }
  })

/** An event as Authgear sends it, signed unless the headers say otherwise. */
export function webhookOf (body: string, headers: Record<string, string> = {}, method = 'POST'): Asked {
  const all = { 'content-type': 'application/json', 'x-authgear-body-signature': sign(body), ...headers }
  return { method, path: '/webhook', headers: Object.entries(all), body }
}
