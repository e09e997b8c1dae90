import type { PartFinding } from '../../base/parts/findings.ts'

export const findings = [
  {
    id: 'login-client',
    severity: 'error',
    mistake: 'Authgear does not know LOGIN_CLIENT_ID',
    why: 'people who sign in end on an error page of Authgear',
    set: 'LOGIN_CLIENT_ID to the client of the portal (docs/login.md), in the project of AUTHGEAR_ENDPOINT'
  },
  {
    id: 'login-redirect-uri',
    severity: 'error',
    mistake: "The login's redirect URI is not registered at Authgear",
    why: 'Authgear compares it exactly: people who sign in end on an error page of Authgear',
    set: 'that address among the *Authorized Redirect URIs* of the client; or LOGIN_PUBLIC_URL and LOGIN_PATH'
  },
  {
    id: 'login-refused',
    severity: 'error',
    mistake: 'Authgear refuses this login for another reason: the type of the client, or a scope',
    why: 'people who sign in always come back with an error',
    set: 'a Cookie SSO client (docs/login.md), and what the line says'
  },
  {
    id: 'login-client-type',
    severity: 'error',
    mistake: 'With LOGIN_SESSION=own the client has a secret, or is a third-party one: Authgear refuses it full access',
    why: 'Authgear asks for the secret when the login is exchanged for a session, so nobody can sign in; ' +
      'and without full access step-up (max_age in a policy) is off',
    set: 'LOGIN_CLIENT_ID to a Cookie SSO client or a Single Page Application (docs/portal.md)'
  },
  {
    id: 'login-machine',
    severity: 'error',
    mistake: 'LOGIN_CLIENT_ID is the client of a machine (M2M)',
    why: 'people who sign in end on an error page of Authgear',
    set: 'LOGIN_CLIENT_ID to a Cookie SSO client, or with LOGIN_SESSION=own a Single Page ' +
      'Application (docs/portal.md); leave that client to the machine'
  },
  {
    id: 'login-sso',
    severity: 'error',
    mistake: 'The client allows one session per user (x_max_concurrent_session: 1), but LOGIN_SSO is on',
    why: 'Authgear refuses the combination: people who sign in always come back with an error',
    set: 'LOGIN_SSO=off; or another client'
  },
  {
    id: 'login-logout-uri',
    severity: 'warning',
    mistake: 'The post-logout redirect URI is not registered at Authgear',
    why: 'people who sign out end on Authgear\'s settings page, and their session at Authgear is revoked a minute late',
    set: 'that address among the *Post Logout Redirect URIs* of the client'
  },
  {
    id: 'login-origin',
    severity: 'error',
    mistake: 'With LOGIN_SESSION=own, LOGIN_PUBLIC_URL does not hold the origin of `--url`',
    why: 'nobody can sign in there: each origin has its own sessions',
    set: 'that origin in LOGIN_PUBLIC_URL, and its two addresses in Authgear\'s portal (docs/login.md)'
  },
  {
    id: 'login-route',
    severity: 'error',
    mistake: 'At `--url` the login\'s paths do not lead to this service, or without the host (Host)',
    why: 'people who sign in get a missing page, or return to another host',
    set: 'the four routes that `snippet` writes, on each host of LOGIN_PUBLIC_URL; the proxy forwards Host'
  },
  {
    id: 'login-cookie-lost',
    severity: 'error',
    mistake: 'The proxy asks this service without the session cookie, or without the host (X-Forwarded-Host)',
    why: 'people who have signed in are sent to sign in again',
    set: 'the configuration that `snippet` prints for your proxy: it sends Cookie and X-Forwarded-Host to /verify'
  }
] as const satisfies readonly PartFinding<string>[]

export type FindingId = (typeof findings)[number]['id']
