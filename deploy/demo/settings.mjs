// @ts-check

/** The ports of the demo, all on this machine only, each with the variable that changes it. */
const PORTS = /** @type {const} */ ({
  entry: ['DEMO_PORT', 8080],
  service: ['DEMO_SERVICE_PORT', 4180],
  management: ['DEMO_MANAGEMENT_PORT', 4181],
  authgear: ['DEMO_AUTHGEAR_PORT', 4300],
  app: ['DEMO_APP_PORT', 4301]
})

const PROXIES = /** @type {const} */ (['auto', 'caddy', 'traefik', 'built-in'])

/** @typedef {keyof typeof PORTS} Place */
/** @typedef {{ ports: Record<Place, number>, proxy: (typeof PROXIES)[number], verbose: boolean }} Settings */

/** The simulated Authgear's own short way in, for browsers that keep no cookie of the login over http (Safari). */
export const SHORTCUT = '/demo-login'

/** Where the service has the login, and the client that it is at the simulated Authgear. */
export const LOGIN_PATH = '/_auth'
export const CLIENT_ID = 'demo-web'

/** What the app calls itself to the service. */
export const AUDIENCE = 'demo-app'

/** An MCP server for machines and agents, and a machine that may call it. */
export const RESOURCE = 'https://localhost/mcp'
export const SCOPE = 'orders:read'
export const MACHINE = { id: 'demo-machine', secret: 'demo-secret' }

/** As browsers write it: without port 80. @param {number} port */
export const originOf = (port) => new URL(`http://localhost:${port}`).origin

/** @param {Place} place */
export const variableOf = place => PORTS[place][0]

/** @param {NodeJS.ProcessEnv} env @returns {Settings} */
export function readSettings (env) {
  const places = /** @type {Place[]} */ (Object.keys(PORTS))
  const ports = /** @type {Record<Place, number>} */ (
    Object.fromEntries(places.map((place) => [place, readPort(env, place)]))
  )
  const twice = places.find((place, i) => places.findIndex(one => ports[one] === ports[place]) < i)
  if (twice !== undefined) {
    throw new Error(`port ${ports[twice]} is used twice: set ${variableOf(twice)} to another one`)
  }
  const proxy = PROXIES.find(one => one === (env['DEMO_PROXY'] ?? 'auto'))
  if (proxy === undefined) throw new Error(`DEMO_PROXY must be one of ${PROXIES.join(', ')}`)
  return { ports, proxy, verbose: env['DEMO_VERBOSE'] === '1' }
}

/** @param {NodeJS.ProcessEnv} env @param {Place} place */
function readPort (env, place) {
  const [variable, fallback] = PORTS[place]
  const port = Number(env[variable] ?? fallback)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`${variable} must be a port, 1 to 65535`)
  return port
}
