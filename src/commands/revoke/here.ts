import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { reachable } from '../../base/config/beside.ts'
import type { Config } from '../../base/config/index.ts'
import { parseObject } from '../../base/core/json.ts'

const TIMEOUT_MS = 10_000

/**
 * Purges what all replicas remember, by this machine's management listener.
 * @returns the problem as a sentence; undefined where the log has it
 */
export async function purgeHere (
  { management: address, managementToken: token }: Pick<Config, 'management' | 'managementToken'>, body: object
): Promise<string | undefined> {
  if (address === undefined || token === undefined) return 'it has no management listener, or no MANAGEMENT_TOKEN'
  const target = address.kind === 'unix'
    ? { socketPath: address.path }
    : { host: reachable(address.host), port: address.port }
  try {
    const { status, said } = await post(target, token, JSON.stringify(body))
    if (status === 200 && said === 'logged') return undefined
    if (said === 'pending') return 'Redis does not accept it: only this replica knows, the others once Redis is back'
    if (status === 401) return 'it has another MANAGEMENT_TOKEN than this command'
    return status === 400 ? 'it does not take this id' : `it answered ${status}`
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be asked'
  }
}

type Target = Readonly<{ socketPath: string } | { host: string, port: number }>

function post (
  target: Target, token: string, body: string
): Promise<Readonly<{ status: number | undefined, said: unknown }>> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Host: 'localhost' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    request({ ...target, method: 'POST', path: '/revocations', headers, signal }, (response) => {
      text(response)
        .then((answer) => resolve({ status: response.statusCode, said: parseObject(answer)?.['status'] }))
        .catch(reject)
    }).once('error', reject).end(body)
  })
}
