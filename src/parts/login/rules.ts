import { isRotated, meantOnlyWith } from '../../base/config/kind.ts'
import { cookieDomainOf } from './hosts.ts'
import type { Rule } from '../../base/parts/part.ts'
import type { variables } from './variables.ts'

type LoginRule = Rule<typeof variables>

const BESIDE = [
  'LOGIN_SESSION',
  'LOGIN_SSO',
  'LOGIN_PUBLIC_URL',
  'LOGIN_PATH',
  'LOGIN_ALLOWED_HOSTS',
  'LOGIN_SECRET',
  'LOGIN_SECRET_PREVIOUS',
  'LOGOUT_REDIRECT_URI'
] as const

const loginIsWhole: LoginRule = (readings) => {
  const { isSet } = readings
  if (!isSet('LOGIN_CLIENT_ID')) return meantOnlyWith('LOGIN_CLIENT_ID', BESIDE, readings)
  return [
    isSet('LOGIN_URL') &&
      "LOGIN_URL: is the app's own login, and LOGIN_CLIENT_ID has this service offer one: leave one of them out",
    !isSet('LOGIN_PUBLIC_URL') &&
      'LOGIN_PUBLIC_URL: is required with LOGIN_CLIENT_ID: the one origin on which the proxy routes LOGIN_PATH to this service, such as https://app.example.com',
    !isSet('LOGIN_SECRET') &&
      'LOGIN_SECRET: is required with LOGIN_CLIENT_ID: make one with `openssl rand -base64 32`, the ' +
        'same on all replicas'
  ]
}

/** A demo's: with a real project nobody could come back, and nothing that faces other machines ever is http. */
const localLoginIsADemo: LoginRule = ({
  isSet, base: { authgear: endpoint }, values: { LOGIN_SESSION: session, LOGIN_PUBLIC_URL: [publicUrl] = [] }
}) => {
  if (session === 'own' || publicUrl === undefined || publicUrl.origin.startsWith('https:')) return []
  return [
    endpoint !== undefined &&
      new URL(endpoint.origin).hostname !== publicUrl.host &&
      `LOGIN_PUBLIC_URL: ${publicUrl.origin} is http, which is for a simulated Authgear on ${publicUrl.host} too: ` +
        'write https://, such as https://app.example.com',
    isSet('LOGIN_ALLOWED_HOSTS') &&
      'LOGIN_ALLOWED_HOSTS: has no effect while LOGIN_PUBLIC_URL is http: people come back to that origin alone'
  ]
}

/** Several origins, and LOGIN_SSO, are about sessions of our own; hosts to come back to are not. */
const sessionsAreOfOneKind: LoginRule = ({ isSet, base: { hasRedis, isSealed }, values }) => {
  const { LOGIN_SESSION: session, LOGIN_SSO: sso, LOGIN_PUBLIC_URL: publicUrls = [] } = values
  if (session !== 'own') {
    return [
      publicUrls.length > 1 &&
        'LOGIN_PUBLIC_URL: names several origins, which only LOGIN_SESSION=own can use: set that, or name one',
      sso === 'off' && isSet('LOGIN_CLIENT_ID') &&
        'LOGIN_SSO: works only with LOGIN_SESSION=own: set that too, or leave this out'
    ]
  }
  return [
    isSet('LOGIN_ALLOWED_HOSTS') &&
      'LOGIN_ALLOWED_HOSTS: has no effect with LOGIN_SESSION=own, where each host has a session of its own: name ' +
        'them in LOGIN_PUBLIC_URL',
    !isSealed && hasRedis &&
      'CACHE_SECRET: is none, and LOGIN_SESSION=own keeps tokens in Redis, which must be sealed: make one with ' +
        '`openssl rand -base64 32`'
  ]
}

const rotation: LoginRule = (readings) => isRotated('LOGIN_SECRET_PREVIOUS', 'LOGIN_SECRET', readings)

export const rules: readonly LoginRule[] = [loginIsWhole, localLoginIsADemo, sessionsAreOfOneKind, rotation]

/** A cookie's Domain has to hold Authgear and the app. */
export const reachesEachHost: LoginRule = ({ base: { authgear: endpoint }, values }) => {
  const { LOGIN_CLIENT_ID: clientId, LOGIN_SESSION: session } = values
  const { LOGIN_PUBLIC_URL: [publicUrl] = [], LOGIN_ALLOWED_HOSTS: hosts = [] } = values
  if (clientId === undefined || endpoint === undefined || publicUrl === undefined || session === 'own') return []
  const authgear = endpoint.host.replace(/:\d+$/, '')
  return [...new Set([publicUrl.host, ...hosts])].map(
    (host) =>
      cookieDomainOf(authgear, host) === undefined &&
      host !== authgear &&
      `LOGIN_ALLOWED_HOSTS, LOGIN_PUBLIC_URL: Authgear's cookie of ${authgear} cannot reach ${host}, which is in no ` +
        'domain with it: give Authgear a custom domain such as auth.example.com and set its http.cookie_domain ' +
        '(docs/login.md)'
  )
}
