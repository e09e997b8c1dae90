// @ts-check
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { pathsOf } from './binaries.mjs'
import { answers } from './ports.mjs'
import {
  AUDIENCE, CLIENT_ID, LOGIN_PATH, MACHINE, originOf, RESOURCE, SCOPE, WIKI, wikiOrigin
} from './settings.mjs'

/** @import { Settings } from './settings.mjs' */
/** @import { Program } from './children.mjs' */

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

const APP_ID = 'demo'
const KEY_ID = 'demo-key'

/** For the Admin API of the simulated Authgear; it ends with the demo. */
const adminKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
})

/** MANAGEMENT_TOKEN: who knows it may block a client. */
const operatorToken = randomBytes(18).toString('base64url')

/** EVENTS_TOKENS: each app follows what is revoked. */
const eventsTokens = { [AUDIENCE]: randomBytes(24).toString('hex'), [WIKI.audience]: randomBytes(24).toString('hex') }

/** @param {Settings['ports']} ports */
export const operatorOf = ({ management }) => ({ management: `http://127.0.0.1:${management}`, token: operatorToken })

/** The addresses of an app's login, as they are registered at Authgear. @param {string} origin */
export function registeredAt (origin) {
  const login = `${origin}${LOGIN_PATH}`
  return { callback: `${login}/callback`, loggedOut: `${login}/logged-out` }
}

/**
 * What runs behind the proxy: Authgear, where it is simulated, this service, an app.
 * @param {Settings} settings
 * @param {string | undefined} record where the access record goes
 * @returns {Program[]}
 */
export function programs ({ ports, project }, record) {
  const authgear = project === undefined ? simulated(ports) : real(project)
  const redis = project === undefined ? redisProgram(ports) : undefined
  const service = serviceProgram(ports, {
    ...authgear,
    ...record !== undefined && { ACCESS_RECORD: `file:${record}` },
    ...redis !== undefined && withRedis(ports)
  })
  const others = [redis, project === undefined ? simulator(ports) : undefined].filter((one) => one !== undefined)
  return [...others, service, appProgram(ports, project), ...project === undefined ? [wikiProgram(ports)] : []]
}

/**
 * Keeps nothing on a disk; undefined where this machine has none: then nobody can be blocked while the service runs.
 * @param {Settings['ports']} ports
 * @returns {Program | undefined}
 */
export function redisProgram ({ redis: port }) {
  const command = [...pathsOf('redis-server'), ...pathsOf('valkey-server')][0]
  if (command === undefined) return undefined
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return { name: 'Redis', command, args, env: {}, ready: () => answers(port) }
}

/** @param {Settings['ports']} ports @returns {Record<string, string>} */
function withRedis ({ redis }) {
  return {
    REDIS_URL: `redis://127.0.0.1:${redis}`,
    CACHE_SECRET: randomBytes(32).toString('base64url'),
    MANAGEMENT_TOKEN: operatorToken
  }
}

/** @param {Settings['ports']} ports @returns {Program} */
function simulator (ports) {
  const registered = [originOf(ports.entry), wikiOrigin(ports)].map(registeredAt)
  return {
    ...nodeProgram('simulated Authgear', 'authgear-simulator/main.mjs', ports.authgear),
    env: {
      HOST: 'localhost',
      PORT: String(ports.authgear),
      OAUTH_CLIENT_ID: CLIENT_ID,
      OAUTH_REDIRECT_URI: registered.map(({ callback }) => callback).join(','),
      OAUTH_POST_LOGOUT_REDIRECT_URI: registered.map(({ loggedOut }) => loggedOut).join(','),
      RESOURCES: `${RESOURCE}#${SCOPE}`,
      MACHINE: `${MACHINE.id}:${MACHINE.secret}:${SCOPE}`,
      ADMIN_API_APP_ID: APP_ID,
      ADMIN_API_KEY_ID: KEY_ID,
      ADMIN_API_PUBLIC_KEY: adminKey.publicKey
    }
  }
}

/** The service's view of the simulated Authgear. @param {Settings['ports']} ports @returns {Record<string, string>} */
function simulated (ports) {
  return {
    AUTHGEAR_ENDPOINT: `http://localhost:${ports.authgear}`,
    LOGIN_CLIENT_ID: CLIENT_ID,
    LOGIN_PUBLIC_URL: `${originOf(ports.entry)},${wikiOrigin(ports)}`,
    RESOURCES: `${RESOURCE}#${SCOPE}`,
    AUTHGEAR_APP_ID: APP_ID,
    AUTHGEAR_ADMIN_API_URL: `http://localhost:${ports.authgear}/graphql`,
    AUTHGEAR_ADMIN_API_KEY: adminKey.privateKey,
    AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID,
    IDENTITY_PROFILE: 'email,name,groups'
  }
}

/** @param {import('./settings.mjs').Project} project @returns {Record<string, string>} */
function real ({ endpoint, clientId }) {
  return { AUTHGEAR_ENDPOINT: endpoint, LOGIN_CLIENT_ID: clientId }
}

/** @param {Settings['ports']} ports @param {Record<string, string>} more @returns {Program} */
function serviceProgram (ports, more) {
  const origin = originOf(ports.entry)
  return {
    ...nodeProgram('forward-auth', '../../dist/main.js', ports.service),
    env: {
      LOGIN_PUBLIC_URL: origin,
      ...more,
      IDENTITY_HEADERS: 'remote',
      // on any domain; browsers trust their own machine without HTTPS, and anywhere else LOGIN_PUBLIC_URL is https
      LOGIN_SESSION: 'own',
      LOGIN_SECRET: randomBytes(32).toString('base64url'),
      ASSERTION: 'on',
      ASSERTION_ISSUER: origin,
      LISTEN: `127.0.0.1:${ports.service}`,
      MANAGEMENT_LISTEN: `127.0.0.1:${ports.management}`,
      LISTEN_EVENTS: `127.0.0.1:${ports.events}`,
      EVENTS_TOKENS: Object.entries(eventsTokens).map((pair) => pair.join(':')).join(',')
    },
    ready: () => isOk(`http://127.0.0.1:${ports.management}/readyz`)
  }
}

/** @param {Settings['ports']} ports @param {Settings['project']} project @returns {Program} */
function appProgram (ports, project) {
  const wiki = project === undefined ? { WIKI_URL: `${wikiOrigin(ports)}/` } : {}
  return {
    ...nodeProgram('app', 'app.mjs', ports.app),
    env: { PORT: String(ports.app), ...wiki, ...appOf(ports, AUDIENCE) }
  }
}

/** @param {Settings['ports']} ports @returns {Program} */
function wikiProgram (ports) {
  return {
    ...nodeProgram('second app', 'app.mjs', ports.wikiApp),
    env: { PORT: String(ports.wikiApp), WITHOUT_PAGES: '1', ...appOf(ports, WIKI.audience) }
  }
}

/** An app's view of the service. @param {Settings['ports']} ports @param {string} audience what it calls itself */
function appOf (ports, audience) {
  return {
    LOGIN_PATH: `${LOGIN_PATH}/logout`,
    FORWARD_AUTH: `http://127.0.0.1:${ports.service}`,
    ISSUER: originOf(ports.entry),
    AUDIENCE: audience,
    EVENTS_URL: `http://127.0.0.1:${ports.events}/events`,
    EVENTS_TOKEN: eventsTokens[audience]
  }
}

/**
 * The proxy for machines that have none.
 * @param {Settings['ports']} ports
 * @param {import('./proxies.mjs').Site} site
 * @returns {Program}
 */
export function builtInProxy (ports, { port, app, policy, hasPages }) {
  const verify = `http://127.0.0.1:${ports.service}/verify?${policy}`
  const resource = `http://127.0.0.1:${ports.service}/resource?resource=${RESOURCE}&scope=${SCOPE}`
  return {
    ...nodeProgram('built-in proxy', 'gate.mjs', port),
    env: {
      PORT: String(port),
      VERIFY_URL: verify,
      RESOURCE_URL: hasPages ? resource : verify,
      APP_URL: `http://127.0.0.1:${app}`,
      LOGIN_URL: `http://127.0.0.1:${ports.service}`,
      LOGIN_PATH
    }
  }
}

/** @param {string} name @param {string} file @param {number} port */
function nodeProgram (name, file, port) {
  return { name, command: process.execPath, args: [here(file)], ready: () => answers(port) }
}

/** @param {string} url */
async function isOk (url) {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}
