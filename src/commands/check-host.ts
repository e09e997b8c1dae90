import type { Config } from '../base/config/index.ts'
import { cookieDomainOf } from '../base/core/cookie-domain.ts'
import { createReturnUrls } from '../base/login/return-url.ts'
import { parseHost } from './cert/options.ts'

/** Names that are this machine, where browsers need no HTTPS. */
const LOCAL = /^(?:localhost|.*\.localhost)$/
/** The name of a container, which no browser can open. */
const INNER = /^[^.]+$/

/** As it is typed, and as the Compose stacks have it. */
const HOST_OPTION = '--host (APP_HOST in .env)'

type Subject = Readonly<{ host: string, authgear: string, config: Config }>
type Problem = (subject: Subject) => string | false

/**
 * Why nobody who opens `https://HOST` could ever sign in; each says what to do, in Authgear's portal too.
 * @param text the host of the app, as `--host` has it
 */
export function signInProblems (text: string, config: Config): readonly string[] {
  const host = openedHost(text)
  if (host === undefined) return hostProblems(text)
  const authgear = config.authgear.endpoint.host.replace(/:\d+$/, '')
  const subject = { host, authgear, config }
  const problems = LOCAL.test(host) ? [realProjectHere, sessionsElsewhere] : PROBLEMS
  return problems.map((problem) => problem(subject)).filter((problem) => problem !== false)
}

function openedHost (text: string): string | undefined {
  const host = parseHost(text)
  return host?.kind === 'dns' && (LOCAL.test(host.value) || !INNER.test(host.value)) ? host.value : undefined
}

/** The problems of the name itself, whatever the configuration. */
export function hostProblems (text: string): readonly string[] {
  if (openedHost(text) !== undefined) return []
  return [
    text === ''
      ? `${HOST_OPTION}: is not set: write the name that people open, such as app.example.com`
      : `${HOST_OPTION}: ${JSON.stringify(text)} is no host name: write the name that people open, such as ` +
        'app.example.com, without https://, port or path'
  ]
}

const realProjectHere: Problem = ({ host, authgear, config: { login } }) =>
  login?.own === undefined && !INNER.test(authgear) && !LOCAL.test(authgear) &&
    `${HOST_OPTION}: ${host} never gets a cookie of ${authgear}, so nobody can sign in: this stack is the demo, ` +
    'with a simulated Authgear. For your project: deploy/compose/https.yml (docs/docker.md), or ' +
    'npm run demo -- --authgear URL --client ID'

const plainEndpoint: Problem = ({ config: { authgear: { endpoint } } }) =>
  endpoint.scheme === 'http' &&
    `AUTHGEAR_ENDPOINT: ${endpoint.origin} is not https: browsers send Authgear's cookie over HTTPS only. Write ` +
    `https://${endpoint.host}, the project's public origin; an address inside goes into AUTHGEAR_RESOLVER_URL`

const ownHost: Problem = ({ host, authgear }) =>
  host === authgear &&
    `${HOST_OPTION}: ${host} is Authgear's own name: the app needs another one in the same domain`

const noSharedCookie: Problem = ({ host, authgear, config: { login } }) => {
  if (login?.own !== undefined || host === authgear || cookieDomainOf(host, authgear) !== undefined) return false
  const domain = host.split('.').slice(host.split('.').length > 2 ? 1 : 0).join('.')
  return `AUTHGEAR_ENDPOINT: no cookie of ${authgear} ever reaches ${host}, which is in no domain with it: ` +
    'set LOGIN_SESSION=own, which needs none and works with every plan (docs/login.md); or, in ' +
    `Authgear's portal, Branding › Custom Domains, add one such as auth.${domain} and activate it, which sets ` +
    `http: { cookie_domain: "${domain}" } too (docs/portal.md); then write https://auth.${domain} here`
}

const noLogin: Problem = ({ host, config: { login, loginUrl } }) =>
  login === undefined && loginUrl === undefined &&
    'LOGIN_CLIENT_ID: is not set, nor LOGIN_URL (a login of the app\'s own), so people who are not signed in see a ' +
    'page that says so, and no way in: in Authgear\'s portal, Applications › New Application, a Framework ' +
    'of a server, then "Cookie session via reverse proxy" (older portals: Traditional Web Application), ' +
    `with the Authorized Redirect URI https://${host}/_auth/callback and the Post Logout Redirect URI ` +
    `https://${host}/_auth/logged-out; write its Client ID here (docs/portal.md)`

const sessionsElsewhere: Problem = ({ host, config: { login } }) =>
  login?.own !== undefined && !login.own.origins.some((origin) => new URL(origin).hostname === host) &&
    `LOGIN_PUBLIC_URL: has no origin of ${host}: add https://${host}, and in Authgear's portal its ` +
    `https://${host}${login.path}/callback and https://${host}${login.path}/logged-out (docs/login.md)`

const loginElsewhere: Problem = ({ host, config: { login } }) =>
  login !== undefined && login.own === undefined && createReturnUrls(login).read(`https://${host}/`) === undefined &&
    `LOGIN_PUBLIC_URL: is ${login.publicUrl}, and nobody comes back from there to ${host}: write https://${host}, or ` +
    'add it to LOGIN_ALLOWED_HOSTS'

const PROBLEMS: readonly Problem[] = [
  plainEndpoint, ownHost, noSharedCookie, noLogin, loginElsewhere, sessionsElsewhere
]
