// What each service still allows when its user was disabled: the one thing that none of them may be slow at.
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export const WEBHOOK_SECRET = 'a webhook secret of the bench'

/**
 * Upstream no longer knows any of the credentials. This service is told by Authgear's webhook; nobody tells the others.
 * @param ask what asks a row's address with its header @returns for each row whether it still allows it a second later
 */
export async function stillAllowing (rows, upstream, ask) {
  const before = await Promise.all(rows.map(ask))
  await fetch(`${upstream}/disable`)
  for (const [index, { webhook }] of rows.entries()) {
    if (webhook !== undefined) await tell(webhook, before[index].headers.get('x-authgear-user-id'))
  }
  await sleep(1000)
  const after = await Promise.all(rows.map(ask))
  return after.map(({ status }, index) => status === rows[index].allowed)
}

async function tell (url, id) {
  const body = JSON.stringify({
    id: `bench-${id}`,
    type: 'user.disabled',
    payload: { user: { id } },
    context: { app_id: 'app', user_id: id }
  })
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')
  const headers = { 'content-type': 'application/json', 'x-authgear-body-signature': signature }
  const { ok, status } = await fetch(url, { method: 'POST', headers, body })
  if (!ok) throw new Error(`the webhook answers ${status}`)
}
