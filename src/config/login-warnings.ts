import type { Readings } from './rule.ts'

/** A cookie's Domain has to hold Authgear and the app, and the longest that both are in has two names at least. */
export function loginWarnings ({ values }: Readings): readonly (string | false)[] {
  const { AUTHGEAR_ENDPOINT: endpoint, LOGIN_CLIENT_ID: clientId, LOGIN_PUBLIC_URL: publicUrl, LOGIN_ALLOWED_HOSTS: hosts = [] } = values
  if (clientId === undefined || endpoint === undefined || publicUrl === undefined) return []
  const authgear = endpoint.host.replace(/:\d+$/, '')
  return [...new Set([publicUrl.host, ...hosts])].map((host) => shared(authgear, host) < 2 && host !== authgear &&
    `LOGIN_ALLOWED_HOSTS, LOGIN_PUBLIC_URL: Authgear's cookie of ${authgear} cannot reach ${host}, which is in no domain with it: give Authgear a custom domain such as auth.example.com and set its http.cookie_domain (docs/login.md)`)
}

/** How many names two hosts end in alike. */
function shared (one: string, other: string): number {
  const [a, b] = [one.split('.').reverse(), other.replace(/^\*\./, '').split('.').reverse()]
  const different = a.findIndex((name, i) => name !== b[i])
  return different === -1 ? a.length : different
}
