// @ts-check
import { readFileSync } from 'node:fs'
import { buildSimulator } from './server.mjs'

// Variables: HOST, PORT, USERS_FILE, COOKIE_PREFIX, COOKIE_DOMAIN, LOGIN_PATH, TRUST_PROXY=false, CONTROL=true,
// for the login OAUTH_CLIENT_ID, OAUTH_REDIRECT_URI, OAUTH_POST_LOGOUT_REDIRECT_URI,
// for tokens of resources RESOURCES (URI#scope,scope …) and MACHINE (id:secret:scope,scope),
// and for the Admin API ADMIN_API_APP_ID, ADMIN_API_KEY_ID, ADMIN_API_PUBLIC_KEY or ADMIN_API_PUBLIC_KEY_FILE (PEM)
const { HOST, PORT, USERS_FILE, COOKIE_PREFIX, COOKIE_DOMAIN, LOGIN_PATH, TRUST_PROXY, CONTROL } = process.env
const { OAUTH_CLIENT_ID, OAUTH_REDIRECT_URI, OAUTH_POST_LOGOUT_REDIRECT_URI } = process.env
const { RESOURCES, MACHINE } = process.env
const { ADMIN_API_APP_ID, ADMIN_API_KEY_ID, ADMIN_API_PUBLIC_KEY, ADMIN_API_PUBLIC_KEY_FILE } = process.env

const publicKey =
  ADMIN_API_PUBLIC_KEY ?? (ADMIN_API_PUBLIC_KEY_FILE && readFileSync(ADMIN_API_PUBLIC_KEY_FILE, 'utf8'))
const adminApi = ADMIN_API_APP_ID && ADMIN_API_KEY_ID && publicKey
  ? { appId: ADMIN_API_APP_ID, keyId: ADMIN_API_KEY_ID, publicKey }
  : undefined

const simulator = buildSimulator({
  ...(USERS_FILE ? { users: JSON.parse(readFileSync(USERS_FILE, 'utf8')).users } : {}),
  ...(adminApi ? { adminApi } : {}),
  ...(RESOURCES ? { resources: RESOURCES.split(/\s+/).map(readResource) } : {}),
  ...(MACHINE ? { machines: [readMachine(MACHINE)] } : {}),
  ...(OAUTH_CLIENT_ID
    ? {
        clients: [
          {
            id: OAUTH_CLIENT_ID,
            redirectUris: (OAUTH_REDIRECT_URI ?? '').split(','),
            postLogoutRedirectUris: (OAUTH_POST_LOGOUT_REDIRECT_URI ?? '').split(',')
          }
        ]
      }
    : {}),
  cookiePrefix: COOKIE_PREFIX ?? '',
  cookieDomain: COOKIE_DOMAIN ?? '',
  loginPath: LOGIN_PATH ?? '/login',
  trustProxy: TRUST_PROXY !== 'false',
  control: CONTROL === 'true'
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => simulator.close())
try {
  console.log(
    `simulated Authgear listens on ${await simulator.listen({ host: HOST ?? 'localhost', port: Number(PORT ?? 3000) })}`
  )
} catch (error) {
  console.error(`simulated Authgear cannot listen: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

/** @param {string} text */
function readResource (text) {
  const [uri = '', scopes = ''] = text.split('#')
  return { uri, scopes: scopes.split(',') }
}

/** @param {string} text */
function readMachine (text) {
  const [id = '', secret = '', ...scopes] = text.split(':')
  return { id, secret, scopes: scopes.join(':').split(',') }
}
