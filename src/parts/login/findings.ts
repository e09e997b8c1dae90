import type { PartFinding } from '../../base/parts/findings.ts'

export const findings = [
  {
    id: 'login-client',
    severity: 'error',
    why: 'people who sign in end on an error page of Authgear',
    set: 'LOGIN_CLIENT_ID to the client of the portal (docs/login.md), in the project of AUTHGEAR_ENDPOINT'
  },
  {
    id: 'login-redirect-uri',
    severity: 'error',
    why: 'Authgear compares it exactly: people who sign in end on an error page of Authgear',
    set: 'that address among the *Authorized Redirect URIs* of the client; or LOGIN_PUBLIC_URL and LOGIN_PATH'
  },
  {
    id: 'login-refused',
    severity: 'error',
    why: 'people who sign in always come back with an error',
    set: 'a Cookie SSO client (docs/login.md), and what the line says'
  },
  {
    id: 'login-client-type',
    severity: 'error',
    why: 'Authgear asks for the secret when the login is exchanged for a session, so nobody can sign in; ' +
      'and without full access step-up (max_age in a policy) is off',
    set: 'LOGIN_CLIENT_ID to a Cookie SSO client or a Single Page Application (docs/portal.md)'
  },
  {
    id: 'login-machine',
    severity: 'error',
    why: 'people who sign in end on an error page of Authgear',
    set: 'LOGIN_CLIENT_ID to a Cookie SSO client, or with LOGIN_SESSION=own a Single Page ' +
      'Application (docs/portal.md); leave that client to the machine'
  },
  {
    id: 'login-sso',
    severity: 'error',
    why: 'Authgear refuses the combination: people who sign in always come back with an error',
    set: 'LOGIN_SSO=off; or another client'
  },
  {
    id: 'login-logout-uri',
    severity: 'warning',
    why: 'people who sign out end on Authgear\'s settings page, and their session at Authgear is revoked a minute late',
    set: 'that address among the *Post Logout Redirect URIs* of the client'
  },
  {
    id: 'login-origin',
    severity: 'error',
    why: 'nobody can sign in there: each origin has its own sessions',
    set: 'that origin in LOGIN_PUBLIC_URL, and its two addresses in Authgear\'s portal (docs/login.md)'
  },
  {
    id: 'login-route',
    severity: 'error',
    why: 'people who sign in get a missing page, or return to another host',
    set: 'the four routes that `snippet` writes, on each host of LOGIN_PUBLIC_URL; the proxy forwards Host'
  },
  {
    id: 'login-cookie-lost',
    severity: 'error',
    why: 'people who have signed in are sent to sign in again',
    set: 'the configuration that `snippet` prints for your proxy: it sends Cookie and X-Forwarded-Host to /verify'
  }
] as const satisfies readonly PartFinding<string>[]

export type FindingId = (typeof findings)[number]['id']
