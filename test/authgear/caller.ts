import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { newAddress } from './browser.ts'
import type { AuthgearServer, Call, Surface } from './types.ts'

interface Project {
  readonly host: string
  readonly ports: Readonly<Record<Surface, number>>
  readonly appId: string
  readonly keyId: string
  readonly privateKey: KeyObject
}

const FORM: HeaderLine = ['Content-Type', 'application/x-www-form-urlencoded']
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36'

/** Calls of a project as its own proxy makes them: host, scheme and client are what it says. */
export function callerAt (
  { host, ports, appId, keyId, privateKey }: Project
): Pick<AuthgearServer, 'call' | 'callPlainly' | 'adminApi' | 'appId' | 'resolverPort'> {
  const call: AuthgearServer['call'] = (surface, path, how = {}) => ask(ports[surface], {
    method: how.method ?? 'GET',
    path,
    host,
    headers: [
      ['X-Forwarded-Host', host],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-For', how.address ?? newAddress()],
      ['User-Agent', USER_AGENT],
      ...cookieOf(how),
      ...formOf(how),
      ...how.headers ?? []
    ],
    body: bodyOf(how)
  })

  const token = (): Promise<string> => new SignJWT({ aud: [appId] })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId }).setIssuedAt().setExpirationTime('4m').sign(privateKey)
  return {
    call,
    callPlainly: (surface, path, { method = 'GET', headers = [], ...how } = {}) =>
      ask(ports[surface], { method, path, host, headers: [...headers, ...formOf(how)], body: bodyOf(how) }),
    appId,
    resolverPort: ports.resolver,
    adminApi: {
      url: `http://127.0.0.1:${ports.admin}/_api/admin/graphql`,
      endpoint: { host, scheme: 'https' },
      ca: undefined,
      token
    }
  }
}

const formOf = ({ form }: Call): readonly HeaderLine[] => form === undefined ? [] : [FORM]
const cookieOf = ({ cookie = '' }: Call): readonly HeaderLine[] => cookie === '' ? [] : [['Cookie', cookie]]

/** What is undefined is left out. */
function bodyOf ({ form = {} }: Call): string {
  const given = Object.entries(form).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
  return new URLSearchParams(Object.fromEntries(given)).toString()
}
