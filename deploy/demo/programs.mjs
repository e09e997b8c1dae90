// @ts-check
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { answers } from './ports.mjs'
import { AUDIENCE, CLIENT_ID, LOGIN_PATH, MACHINE, originOf, RESOURCE, SCOPE, SHORTCUT } from './settings.mjs'

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

/**
 * What runs behind the proxy: Authgear (simulated), this service, an app.
 * @param {Settings['ports']} ports
 * @returns {Program[]}
 */
export function programs (ports) {
  const origin = originOf(ports.entry)
  return [
    {
      ...nodeProgram('simulated Authgear', 'authgear-simulator/main.mjs', ports.authgear),
      env: {
        HOST: 'localhost',
        PORT: String(ports.authgear),
        LOGIN_PATH: SHORTCUT,
        OAUTH_CLIENT_ID: CLIENT_ID,
        OAUTH_REDIRECT_URI: `${origin}${LOGIN_PATH}/callback`,
        OAUTH_POST_LOGOUT_REDIRECT_URI: `${origin}${LOGIN_PATH}/logged-out`,
        RESOURCES: `${RESOURCE}#${SCOPE}`,
        MACHINE: `${MACHINE.id}:${MACHINE.secret}:${SCOPE}`,
        ADMIN_API_APP_ID: APP_ID,
        ADMIN_API_KEY_ID: KEY_ID,
        ADMIN_API_PUBLIC_KEY: adminKey.publicKey
      }
    },
    {
      ...nodeProgram('forward-auth', '../../dist/main.js', ports.service),
      env: {
        AUTHGEAR_ENDPOINT: `http://localhost:${ports.authgear}`,
        RESOURCES: `${RESOURCE}#${SCOPE}`,
        AUTHGEAR_APP_ID: APP_ID,
        AUTHGEAR_ADMIN_API_URL: `http://localhost:${ports.authgear}/graphql`,
        AUTHGEAR_ADMIN_API_KEY: adminKey.privateKey,
        AUTHGEAR_ADMIN_API_KEY_ID: KEY_ID,
        IDENTITY_PROFILE: 'email,name,groups',
        IDENTITY_HEADERS: 'remote',
        // browsers trust their own machine without HTTPS; anywhere else LOGIN_PUBLIC_URL is https
        LOGIN_CLIENT_ID: CLIENT_ID,
        LOGIN_PUBLIC_URL: origin,
        LOGIN_SECRET: randomBytes(32).toString('base64url'),
        ASSERTION: 'on',
        ASSERTION_ISSUER: origin,
        LISTEN: `127.0.0.1:${ports.service}`,
        MANAGEMENT_LISTEN: `127.0.0.1:${ports.management}`
      },
      ready: () => isOk(`http://127.0.0.1:${ports.management}/readyz`)
    },
    {
      ...nodeProgram('app', 'app.mjs', ports.app),
      env: {
        PORT: String(ports.app),
        LOGIN_PATH: `${LOGIN_PATH}/logout`,
        FORWARD_AUTH: `http://127.0.0.1:${ports.service}`,
        ISSUER: origin,
        AUDIENCE
      }
    }
  ]
}

/** The proxy for machines that have none. @param {Settings['ports']} ports @returns {Program} */
export function builtInProxy (ports) {
  return {
    ...nodeProgram('built-in proxy', 'gate.mjs', ports.entry),
    env: {
      PORT: String(ports.entry),
      VERIFY_URL: `http://127.0.0.1:${ports.service}/verify?audience=${AUDIENCE}`,
      RESOURCE_URL: `http://127.0.0.1:${ports.service}/resource?resource=${RESOURCE}&scope=${SCOPE}`,
      APP_URL: `http://127.0.0.1:${ports.app}`,
      LOGIN_URL: `http://127.0.0.1:${ports.service}`,
      LOGIN_PATH,
      SHORTCUT_URL: `http://localhost:${ports.authgear}`,
      SHORTCUT
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
