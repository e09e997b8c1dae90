// @ts-check
import { readFileSync } from 'node:fs'
import { buildSimulator } from './server.mjs'

// Variables: HOST, PORT, USERS_FILE, COOKIE_PREFIX, COOKIE_DOMAIN, LOGIN_PATH, TRUST_PROXY=false, CONTROL=true
const { HOST, PORT, USERS_FILE, COOKIE_PREFIX, COOKIE_DOMAIN, LOGIN_PATH, TRUST_PROXY, CONTROL } = process.env

const simulator = buildSimulator({
  ...(USERS_FILE ? { users: JSON.parse(readFileSync(USERS_FILE, 'utf8')).users } : {}),
  cookiePrefix: COOKIE_PREFIX ?? '',
  cookieDomain: COOKIE_DOMAIN ?? '',
  loginPath: LOGIN_PATH ?? '/login',
  trustProxy: TRUST_PROXY !== 'false',
  control: CONTROL === 'true'
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => simulator.close())
try {
  console.log(`simulated Authgear listens on ${await simulator.listen({ host: HOST ?? 'localhost', port: Number(PORT ?? 3000) })}`)
} catch (error) {
  console.error(`simulated Authgear cannot listen: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
