import { HOST } from '../../../helpers/request.ts'
import { BOB } from '../../people.ts'
import type { Facts } from '../../proxy.ts'
import type { Seen } from './apps.ts'
import type { Spelling } from './spelling.ts'

/** Headers for one hop only, and what the app may see of them: constants of the proxy's. */
const HOPS: Readonly<Record<string, RegExp>> = {
  upgrade: /^websocket$/i,
  connection: /^(upgrade|keep-alive|close)$/i,
  te: /^trailers$/,
  'transfer-encoding': /^chunked$/,
  'keep-alive': /^$/,
  'proxy-connection': /^$/,
  'proxy-authorization': /^$/,
  'http2-settings': /^$/,
  trailer: /^$/
}

/** What some app reads as /admin, or below it. */
const ADMIN = /^\/*admin(?:[^\w~-]|$)/i

const WHO: readonly string[] = ['x-authgear-user-id', 'x-authgear-user-roles']

/** As apps read names that turn every other character into the same one. */
const canonical = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')

/**
 * What is wrong with a request that reached an app.
 * @param signedIn was it sent with bob's session, who is no admin?
 */
export function wrongs (
  seen: Seen,
  { webSocket }: Spelling,
  signedIn: boolean,
  { announcesTrailers, firstUpgradeOnly }: Facts
): readonly string[] {
  return [
    ...seen.http === '2' ? ['it speaks HTTP/2 to the app, past the proxy'] : [],
    ...signedIn ? notBobs(seen) : strangers(seen),
    ...seen.paths.filter(path => ADMIN.test(path)).map(path => `the app runs ${path}, which is for admins`),
    ...hopsOf(seen, webSocket || firstUpgradeOnly, announcesTrailers ? ['trailer'] : []),
    ...isOurHost(seen) ? [] : [`Host: ${valuesOf(seen, 'host').join(' and ')}`]
  ]
}

const notBobs = (seen: Seen): readonly string[] =>
  identityOf(seen).filter(line => line !== `x-authgear-user-id: ${BOB.id}`).map(line => `bob has the identity ${line}`)

/** Without a session: public paths and preflights only, as nobody. */
function strangers (seen: Seen): readonly string[] {
  const isPublic = seen.method === 'OPTIONS' || seen.paths.every(path => path.startsWith('/public/'))
  return [
    ...(isPublic ? [] : ['nobody is signed in']), ...identityOf(seen).map((line) => `nobody has the identity ${line}`)
  ]
}

/** Who the app takes the request to be from: empty names say nothing. */
const identityOf = ({ headers }: Seen): readonly string[] => headers
  .map(([name, value]) => [canonical(name), value] as const)
  .filter(([name, value]) => value !== '' && (WHO.includes(name) || value === 'the-ceo'))
  .map(line => line.join(': '))

const valuesOf = ({ headers }: Seen, wanted: string): readonly string[] =>
  headers.filter(([name]) => name === wanted).map(([, value]) => value)

function hopsOf (seen: Seen, webSocket: boolean, known: readonly string[]): readonly string[] {
  const passed = Object.entries(HOPS).filter(([name]) => !known.includes(name))
    .flatMap(([name, constant]) =>
      valuesOf(seen, name).filter((value) => value !== '' && !constant.test(value))
        .map((value) => `the client's ${name}: ${value}`)
    )
  const upgrades = valuesOf(seen, 'upgrade').length
  return upgrades > (webSocket ? 1 : 0) ? [...passed, `upgrade ${upgrades} times`] : passed
}

function isOurHost (seen: Seen): boolean {
  const hosts = valuesOf(seen, 'host')
  return hosts.length === 1 && new RegExp(`^${HOST.replaceAll('.', '\\.')}(:\\d{1,5})?$`, 'i').test(hosts[0] ?? '')
}
