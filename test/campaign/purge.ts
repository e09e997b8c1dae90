import type { Answer } from '../helpers/request.ts'
import type { Replica } from './replica.ts'

export const MANAGEMENT_TOKEN = 'a management token of the campaign'

/** `POST /revocations`; 200: it is in the log, 503: it holds on that replica. */
export async function purge (replica: Replica, target: object, signal: AbortSignal): Promise<Answer> {
  return await replica.manage({
    method: 'POST',
    path: '/revocations',
    headers: [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`], ['Content-Type', 'application/json']],
    body: JSON.stringify(target),
    signal
  })
}
