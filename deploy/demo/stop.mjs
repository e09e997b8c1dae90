// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool, issueToken } from './checks.mjs'
import { MACHINE } from './settings.mjs'

/** @typedef {{ management: string, token: string }} Operator the management listener, and MANAGEMENT_TOKEN */

const PATIENCE_MS = 5000
const BETWEEN_CALLS_MS = 20

/** @param {Operator} operator */
const blockUrl = ({ management }) => `${management}/clients/${MACHINE.id}/block`

/** How an operator stops the machine, and lets it go on. @param {Operator} operator */
export function stopLines (operator) {
  return ['PUT', 'DELETE'].map((method) =>
    `curl -X ${method} -H "Authorization: Bearer ${operator.token}" ${blockUrl(operator)}`)
}

/**
 * Undefined where the machine works, is refused as soon as it is blocked, and works again once the block is lifted.
 * @param {string} authgear
 * @param {string} url
 * @param {Operator} operator
 * @returns {Promise<string | undefined>}
 */
export async function stopProblem (authgear, url, operator) {
  try {
    const token = await issueToken(authgear)
    const call = () => callTool(url, token)
    return await untilStatus(call, 200, 'before the block') ??
      await change(operator, 'PUT', untilStatus(call, 401, 'blocked', 'client_blocked')) ??
      await change(operator, 'DELETE', untilStatus(call, 200, 'lifted'))
  } catch (error) {
    return `no answer: ${error instanceof Error ? error.cause ?? error.message : error}`
  }
}

/**
 * While the machine works.
 * @param {Operator} operator
 * @param {'PUT' | 'DELETE'} method
 * @param {Promise<string | undefined>} working
 */
async function change (operator, method, working) {
  const headers = { authorization: `Bearer ${operator.token}` }
  const { status } = await fetch(blockUrl(operator), { method, headers })
  const problem = await working
  return status === 200 ? problem : `${method} was answered ${status}`
}

/**
 * Calls one after the other.
 * @param {() => ReturnType<typeof callTool>} call
 * @param {number} status
 * @param {string} when
 * @param {string} [holds]
 */
async function untilStatus (call, status, when, holds = '') {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const answer = await call()
    if (answer.status === status && answer.text.includes(holds)) return undefined
    if (Date.now() > end) return `${when} answered ${answer.status}: ${answer.text.slice(0, 200).trim()}`
    await sleep(BETWEEN_CALLS_MS)
  }
}
