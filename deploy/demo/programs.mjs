// @ts-check
import { fileURLToPath } from 'node:url'
import { answers } from './ports.mjs'
import { LOGIN_PATH, MACHINE, RESOURCE, SCOPE } from './settings.mjs'

/** @import { Settings } from './settings.mjs' */
/** @import { Program } from './children.mjs' */

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * What runs behind the proxy: Authgear (simulated), this service, an app.
 * @param {Settings['ports']} ports
 * @returns {Program[]}
 */
export function programs (ports) {
  return [
    {
      ...nodeProgram('simulated Authgear', 'authgear-simulator/main.mjs', ports.authgear),
      env: {
        HOST: 'localhost',
        PORT: String(ports.authgear),
        LOGIN_PATH,
        RESOURCES: `${RESOURCE}#${SCOPE}`,
        MACHINE: `${MACHINE.id}:${MACHINE.secret}:${SCOPE}`
      }
    },
    {
      ...nodeProgram('forward-auth', '../../dist/main.js', ports.service),
      env: {
        AUTHGEAR_ENDPOINT: `http://localhost:${ports.authgear}`,
        RESOURCES: `${RESOURCE}#${SCOPE}`,
        LISTEN: `127.0.0.1:${ports.service}`,
        MANAGEMENT_LISTEN: `127.0.0.1:${ports.management}`
      },
      ready: () => isOk(`http://127.0.0.1:${ports.management}/readyz`)
    },
    {
      ...nodeProgram('app', 'app.mjs', ports.app),
      env: { PORT: String(ports.app), LOGIN_PATH }
    }
  ]
}

/** The proxy for machines that have none. @param {Settings['ports']} ports @returns {Program} */
export function builtInProxy (ports) {
  return {
    ...nodeProgram('built-in proxy', 'gate.mjs', ports.entry),
    env: {
      PORT: String(ports.entry),
      VERIFY_URL: `http://127.0.0.1:${ports.service}/verify`,
      RESOURCE_URL: `http://127.0.0.1:${ports.service}/resource?resource=${RESOURCE}&scope=${SCOPE}`,
      APP_URL: `http://127.0.0.1:${ports.app}`,
      LOGIN_URL: `http://localhost:${ports.authgear}`,
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
