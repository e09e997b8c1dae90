// @ts-check
import { readFileSync } from 'node:fs'
import { MACHINE, RESOURCE } from './settings.mjs'

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
    title: 'Without signing in you get 401:',
    headers: {},
    status: 401,
    expected: { error: 'no_credentials' },
    says: 'no_credentials'
  },
  {
    title: 'By her access token Alice reaches the app, with her identity:',
    headers: { Authorization: `Bearer ${alice.sessions[0].accessTokens[0]}` },
    status: 200,
    expected: { user: alice.id, roles: alice.roles, verified: true },
    says: `user ${alice.id}, roles ${alice.roles.join(' and ')}`
  },
  {
    title: 'Bob, by his access token, claims to be an admin; the app does not see it:',
    headers: { Authorization: `Bearer ${bob.sessions[0].accessTokens[0]}`, 'X-Authgear-User-Roles': 'admin' },
    status: 200,
    expected: { user: bob.id, roles: [], verified: false },
    says: `user ${bob.id}, no roles`
  }
]

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}}'

/** @param {string} authgear @returns what a machine posts to get a token, as curl's arguments and as a body */
const tokenRequest = (authgear) => ({
  url: `${authgear}/oauth2/token`,
  body: { grant_type: 'client_credentials', client_id: MACHINE.id, client_secret: MACHINE.secret, resource: RESOURCE }
})

/** How a machine gets a token, and calls the MCP server's tool with it. @param {string} authgear @param {string} url */
export function machineLines (authgear, url) {
  const { url: tokenUrl, body } = tokenRequest(authgear)
  const data = Object.entries(body).map(([name, value]) => `-d ${name}=${value}`).join(' ')
  return [
    `TOKEN=$(curl -s ${data} ${tokenUrl} | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/')`,
    `curl -i -H "Authorization: Bearer $TOKEN" -d '${CALL}' ${url}`
  ]
}

/** @param {string} authgear @returns {Promise<string>} the machine's token */
export async function issueToken (authgear) {
  const { url, body } = tokenRequest(authgear)
  const issued = await fetch(url, { method: 'POST', body: new URLSearchParams(body) })
  return /** @type {{ access_token: string }} */ (await issued.json()).access_token
}

/** @param {string} url @param {string} token */
export async function callTool (url, token) {
  const answer = await fetch(url, { method: 'POST', body: CALL, headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, text: await answer.text() }
}

/**
 * Undefined where the machine reaches the tool with its client's name.
 * @param {string} authgear
 * @param {string} url
 */
export async function machineProblem (authgear, url) {
  try {
    const { status, text } = await callTool(url, await issueToken(authgear))
    return status === 200 && text.includes(`a machine, client ${MACHINE.id}`)
      ? undefined
      : `answered ${status}: ${text.slice(0, 200).trim()}`
  } catch (error) {
    return `no answer: ${error instanceof Error ? error.cause ?? error.message : error}`
  }
}

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
