import {
  type Kind, type ListenAddress, meantOnlyWith, parsed, problem, type Variables
} from '../../base/config/kind.ts'
import { listenAddress } from '../../base/config/parsers/hosts.ts'
import { MASK, orOff } from '../../base/config/parsers/values.ts'
import type { Rule } from '../../base/parts/part.ts'
import type { App } from './event.ts'

/** LISTEN_EVENTS and EVENTS_TOKENS. */
export type EventsSettings = Readonly<{ address: ListenAddress, apps: readonly App[] }>

const MAX_APPS = 100
/** As `audience=` takes it, then a token of 32 characters or more, which has no colon. */
const APP = /^([a-zA-Z0-9_.:-]{1,100}):([A-Za-z0-9_~.+/=-]{32,256})$/
const ADVICE =
  'write NAME:TOKEN, where NAME is the audience= of its route (default where that names none) and TOKEN has 32 ' +
    'characters or more (openssl rand -hex 32)'

/** Apps and their tokens; one may have two, while they are changed. */
export const appTokens: Kind<readonly App[]> = Object.freeze({
  accepts: '`name:token`, separated by commas or lines',
  parse: (text: string) => {
    const entries = text.split(/[,\n]/).map((entry) => entry.trim()).filter((entry) => entry !== '')
    const apps = entries.flatMap((entry) => {
      const [, name, token] = APP.exec(entry) ?? []
      return name === undefined || token === undefined ? [] : [{ name, token }]
    })
    const wrong = entries.findIndex((entry) => !APP.test(entry))
    if (wrong !== -1 || apps.length === 0) return problem(`entry ${wrong + 1} is invalid: ${ADVICE}`)
    if (apps.length > MAX_APPS) return problem(`has more than ${MAX_APPS} apps`)
    const twice = (values: readonly string[]): string | undefined => values.find((one, i) => values.indexOf(one) !== i)
    const token = twice(apps.map((app) => app.token))
    if (token !== undefined) return problem('has the same token for two apps: give each its own')
    return parsed(apps, apps.map((app) => `${app.name}:${MASK}`).join(','))
  }
})

export const variables = {
  LISTEN_EVENTS: {
    as: 'address',
    listens: true,
    kind: orOff(listenAddress),
    fallback: 'off',
    meaning:
      'The address where apps learn who signed out or was disabled, to close open connections ' +
        "(docs/open-connections.md). Uses TLS if `LISTEN_TLS_*` are set. Do not point a proxy's auth request at it."
  },
  EVENTS_TOKENS: {
    as: 'apps',
    kind: appTokens,
    secret: true,
    example: 'default:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
    meaning: 'The bearer token of each app that follows the events, by the `audience=` of its route.'
  }
} as const satisfies Variables

export const hasTokens: Rule<typeof variables> = (readings) => {
  const { isSet, values: { LISTEN_EVENTS: listen } } = readings
  if (!isSet('LISTEN_EVENTS')) return meantOnlyWith('LISTEN_EVENTS', ['EVENTS_TOKENS'], readings)
  return [
    listen !== undefined && !isSet('EVENTS_TOKENS') &&
      'EVENTS_TOKENS: is required with LISTEN_EVENTS: name:token for each app that follows the events'
  ]
}
