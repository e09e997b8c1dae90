// @ts-check
import { parseArgs } from 'node:util'

/** The ports of the demo, all on this machine only, each with the variable that changes it. */
const PORTS = /** @type {const} */ ({
  entry: ['DEMO_PORT', 8080],
  service: ['DEMO_SERVICE_PORT', 4180],
  management: ['DEMO_MANAGEMENT_PORT', 4181],
  authgear: ['DEMO_AUTHGEAR_PORT', 4300],
  app: ['DEMO_APP_PORT', 4301],
  redis: ['DEMO_REDIS_PORT', 4302],
  events: ['DEMO_EVENTS_PORT', 4184],
  wiki: ['DEMO_WIKI_PORT', 8081],
  wikiApp: ['DEMO_WIKI_APP_PORT', 4303]
})

const PROXIES = /** @type {const} */ (['auto', 'caddy', 'traefik', 'built-in'])

/** @typedef {keyof typeof PORTS} Place */
/** @typedef {{ endpoint: string, clientId: string }} Project one at a real Authgear, and its client */
/**
 * @typedef {object} Settings
 * @property {Record<Place, number>} ports
 * @property {(typeof PROXIES)[number]} proxy
 * @property {boolean} verbose
 * @property {Project | undefined} project undefined: Authgear is simulated
 */

/** The command that starts it again. Security: npx only where npm installed it, as the name could be a stranger's. */
export const COMMAND = process.env['npm_lifecycle_event'] === 'demo'
  ? 'npm run demo --'
  : `${import.meta.url.includes('/node_modules/') ? 'npx authgear-forward-auth' : 'node dist/main.js'} demo`

/** Where the service has the login, and the client that it is at the simulated Authgear. */
export const LOGIN_PATH = '/_auth'
export const CLIENT_ID = 'demo-web'

/** What the app calls itself to the service. */
export const AUDIENCE = 'demo-app'

/** A page asks again who a person is, when the sign-in is longer ago than these seconds. */
export const CONFIRM = { path: '/confirm', maxAge: 10 }

/** An MCP server for machines and agents, and a machine that may call it. */
export const RESOURCE = 'https://localhost/mcp'
export const SCOPE = 'orders:read'
export const MACHINE = { id: 'demo-machine', secret: 'demo-secret' }

/** A second app, on a host of its own, with another rule. */
export const WIKI = { host: 'wiki.localhost', audience: 'demo-wiki', role: 'editor' }

/** As browsers write it: without port 80. @param {number} port @param {string} [host] */
export const originOf = (port, host = 'localhost') => new URL(`http://${host}:${port}`).origin

/** @param {Settings['ports']} ports */
export const wikiOrigin = ({ wiki }) => originOf(wiki, WIKI.host)

/** @param {Place} place */
export const variableOf = place => PORTS[place][0]

/** @param {NodeJS.ProcessEnv} env @param {readonly string[]} args @returns {Settings} */
export function readSettings (env, args) {
  const project = readProject(args)
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
  return { ports, proxy, verbose: env['DEMO_VERBOSE'] === '1', project }
}

/** @param {readonly string[]} args @returns {Project | undefined} */
function readProject (args) {
  const options = /** @type {const} */ ({ authgear: { type: 'string' }, client: { type: 'string' } })
  const { values: { authgear, client } } = parseArgs({ args: [...args], options })
  if (authgear === undefined && client === undefined) return undefined
  if (authgear === undefined || client === undefined) {
    throw new Error('for a project of yours write both: --authgear https://NAME.authgear.cloud --client ID')
  }
  if (!/^https:\/\//.test(authgear) || !URL.canParse(authgear)) {
    throw new Error('--authgear is the project\'s address, such as https://NAME.authgear.cloud')
  }
  return { endpoint: new URL(authgear).origin, clientId: client }
}

/** @param {NodeJS.ProcessEnv} env @param {Place} place */
function readPort (env, place) {
  const [variable, fallback] = PORTS[place]
  const port = Number(env[variable] ?? fallback)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`${variable} must be a port, 1 to 65535`)
  return port
}
