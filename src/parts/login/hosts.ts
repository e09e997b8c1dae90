import type { HostSubject } from '../../base/parts/findings.ts'
import { createReturnUrls } from './flow/return-url.ts'
import type { SignInSettings } from './variables.ts'

type Subject = HostSubject & Readonly<{ settings: SignInSettings | undefined }>
type Problem = (subject: Subject) => string | false

/** The reasons why nobody who opens `https://HOST` could sign in; each says what to do, in Authgear's portal too. */
export function hostProblems (settings: SignInSettings | undefined, subject: HostSubject): readonly (string | false)[] {
  const problems = subject.isLocal
    ? [realProjectHere, sessionsElsewhere]
    : [noSharedCookie, noLogin, loginElsewhere, sessionsElsewhere]
  return problems.map((problem) => problem({ ...subject, settings }))
}

const realProjectHere: Problem = ({ host, authgear, isSimulated, settings }) =>
  settings?.login?.own === undefined && !isSimulated &&
    `--host (APP_HOST in .env): ${host} never gets a cookie of ${authgear}, so nobody can sign in: this stack is the ` +
    'demo, with a simulated Authgear. For your project: deploy/compose/https.yml (docs/docker.md), or ' +
    'npm run demo -- --authgear URL --client ID'

const noSharedCookie: Problem = ({ host, authgear, settings }) => {
  const hasOwn = settings?.login?.own !== undefined
  if (hasOwn || host === authgear || cookieDomainOf(host, authgear) !== undefined) return false
  const domain = host.split('.').slice(host.split('.').length > 2 ? 1 : 0).join('.')
  return `AUTHGEAR_ENDPOINT: no cookie of ${authgear} ever reaches ${host}, which is in no domain with it: ` +
    'set LOGIN_SESSION=own, which needs none and works with every plan (docs/login.md); or, in ' +
    `Authgear's portal, Branding › Custom Domains, add one such as auth.${domain} and activate it, which sets ` +
    `http: { cookie_domain: "${domain}" } too (docs/portal.md); then write https://auth.${domain} here`
}

const noLogin: Problem = ({ host, settings }) =>
  settings === undefined &&
    'LOGIN_CLIENT_ID: is not set, nor LOGIN_URL (a login of the app\'s own), so people who are not signed in see a ' +
    'page that says so, and no way in: in Authgear\'s portal, Applications › New Application, a Framework ' +
    'of a server, then "Cookie session via reverse proxy" (older portals: Traditional Web Application), ' +
    `with the Authorized Redirect URI https://${host}/_auth/callback and the Post Logout Redirect URI ` +
    `https://${host}/_auth/logged-out; write its Client ID here (docs/portal.md)`

const sessionsElsewhere: Problem = ({ host, settings: { login } = {} }) =>
  login?.own !== undefined && !login.own.origins.some((origin) => new URL(origin).hostname === host) &&
    `LOGIN_PUBLIC_URL: has no origin of ${host}: add https://${host}, and in Authgear's portal its ` +
    `https://${host}${login.path}/callback and https://${host}${login.path}/logged-out (docs/login.md)`

const loginElsewhere: Problem = ({ host, settings: { login } = {} }) =>
  login !== undefined && login.own === undefined && createReturnUrls(login).read(`https://${host}/`) === undefined &&
    `LOGIN_PUBLIC_URL: is ${login.publicUrl}, and nobody comes back from there to ${host}: write https://${host}, or ` +
    'add it to LOGIN_ALLOWED_HOSTS'

/** Domains under which anybody may register a name: no browser lets a cookie in for all of it (publicsuffix.org). */
const PUBLIC_SUFFIX =
  /^(?:(?:ac|co|com|edu|gob|gov|net|or|org)\.[a-z]{2}|authgear\.cloud|authgearapps\.com|ddns\.net|duckdns\.org)$/

/** The longest domain that both hosts are in; undefined where no cookie can be for both. A host may be a wildcard. */
export function cookieDomainOf (one: string, other: string): string | undefined {
  const [a, b] = [one, other].map((host) => host.replace(/^\*\./, '').split('.').reverse()) as [string[], string[]]
  const different = a.findIndex((name, i) => name !== b[i])
  const shared = (different === -1 ? a : a.slice(0, different)).toReversed()
  const domain = shared.join('.')
  return shared.length >= 2 && !PUBLIC_SUFFIX.test(domain) ? domain : undefined
}
