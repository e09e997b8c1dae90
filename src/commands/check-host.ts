import type { Config } from '../base/config/index.ts'
import type { HostSubject } from '../base/parts/findings.ts'
import { parts } from '../parts/index.ts'
import { parseHost } from './cert/options.ts'

/** Names that are this machine, where browsers need no HTTPS. */
const LOCAL = /^(?:localhost|.*\.localhost)$/
/** The name of a container, which no browser can open. */
const INNER = /^[^.]+$/

/** As it is typed, and as the Compose stacks have it. */
const HOST_OPTION = '--host (APP_HOST in .env)'

/**
 * Why nobody who opens `https://HOST` could ever sign in; each says what to do, in Authgear's portal too.
 * @param text the host of the app, as `--host` has it
 */
export function signInProblems (text: string, config: Config): readonly string[] {
  const host = openedHost(text)
  if (host === undefined) return hostProblems(text)
  const authgear = config.authgear.endpoint.host.replace(/:\d+$/, '')
  const isLocal = LOCAL.test(host)
  const subject = { host, isLocal, authgear, isSimulated: INNER.test(authgear) || LOCAL.test(authgear) }
  const problems = [...isLocal ? [] : [plainEndpoint(config), ownHost(subject)], ...problemsOfParts(config, subject)]
  return problems.filter((problem) => problem !== false)
}

/** A part that is off may say so. */
const problemsOfParts = (config: Config, subject: HostSubject): readonly (string | false)[] =>
  parts.flatMap((part) => (config.parts.find(({ name }) => name === part.name) ?? part).hostProblems(subject))

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
      : `${HOST_OPTION}: ${JSON.stringify(text)} is not a host name: write the name that people open, such as ` +
        'app.example.com, without https://, port or path'
  ]
}

const plainEndpoint = ({ authgear: { endpoint } }: Config): string | false =>
  endpoint.scheme === 'http' &&
    `AUTHGEAR_ENDPOINT: ${endpoint.origin} is not https: browsers send Authgear's cookie over HTTPS only. Write ` +
    `https://${endpoint.host}, the project's public origin; an address inside goes into AUTHGEAR_RESOLVER_URL`

const ownHost = ({ host, authgear }: HostSubject): string | false =>
  host === authgear &&
    `${HOST_OPTION}: ${host} is Authgear's own name: the app needs another one in the same domain`
