// @ts-check
import { readFileSync } from 'node:fs'

/**
 * @typedef {{ title: string, headers: Record<string, string>, status: number, expected: Record<string, unknown>, says:
 * string }} Check
 */

const { users } = JSON.parse(readFileSync(new URL('authgear-simulator/users.json', import.meta.url), 'utf8'))
const [alice, bob] = ['alice', 'bob'].map((name) =>
  users.find((/** @type {{ name: string }} */ user) => user.name === name)
)

/** The three requests that the demo prints, and makes itself. @type {readonly Check[]} */
export const CHECKS = [
  {
    title: 'Nobody is refused:',
    headers: {},
    status: 401,
    expected: { error: 'no_credentials' },
    says: 'no_credentials'
  },
  {
    title: 'Alice, by her access token, reaches the app with her identity:',
    headers: { Authorization: `Bearer ${alice.sessions[0].accessTokens[0]}` },
    status: 200,
    expected: { user: alice.id, roles: alice.roles, verified: true },
    says: `user ${alice.id}, roles ${alice.roles.join(' and ')}`
  },
  {
    title: 'Bob, by his session cookie, pretends to be an admin; the app does not see that:',
    headers: { Cookie: `session=${bob.sessions[0].cookie}`, 'X-Authgear-User-Roles': 'admin' },
    status: 200,
    expected: { user: bob.id, roles: [], verified: false },
    says: `user ${bob.id}, no roles`
  }
]

/** @param {Check} check @param {string} url */
export function curlLine ({ headers }, url) {
  return ['curl -i', ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`), url].join(' ')
}

/**
 * Undefined where the answer is the expected one.
 * @param {Check} check
 * @param {string} url
 * @returns {Promise<string | undefined>}
 */
export async function problemOf ({ headers, status, expected }, url) {
  const answer = await fetch(url, { headers, redirect: 'manual' }).catch(error => error)
  if (answer instanceof Error) return `no answer: ${answer.cause ?? answer.message}`
  const text = await answer.text()
  if (answer.status !== status) return `answered ${answer.status}: ${text.slice(0, 200).trim()}`
  const wrong = Object.entries(expected).find(
    ([name, value]) => JSON.stringify(parse(text)[name]) !== JSON.stringify(value)
  )
  return wrong && `${wrong[0]} is not ${JSON.stringify(wrong[1])}: ${text.slice(0, 200).trim()}`
}

/** @param {string} text @returns {Record<string, unknown>} */
function parse (text) {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
