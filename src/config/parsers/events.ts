import type { App } from '../../shared/events/event.ts'
import { type Kind, parsed, problem } from '../kind.ts'
import { MASK } from './values.ts'

const MAX_APPS = 100
/** As `audience=` takes it, then a token of 32 characters or more, which has no colon. */
const ENTRY = /^([a-zA-Z0-9_.:-]{1,100}):([A-Za-z0-9_~.+/=-]{32,256})$/
const ADVICE =
  'write NAME:TOKEN, where NAME is the audience= of its route (default where that names none) and TOKEN has 32 ' +
    'characters or more (openssl rand -hex 32)'

/** Apps and their tokens; one may have two, while they are changed. */
export const appTokens: Kind<readonly App[]> = Object.freeze({
  accepts: '`name:token`, separated by commas or lines',
  parse: (text: string) => {
    const entries = text.split(/[,\n]/).map((entry) => entry.trim()).filter((entry) => entry !== '')
    const apps = entries.flatMap((entry) => {
      const [, name, token] = ENTRY.exec(entry) ?? []
      return name === undefined || token === undefined ? [] : [{ name, token }]
    })
    const wrong = entries.findIndex((entry) => !ENTRY.test(entry))
    if (wrong !== -1 || apps.length === 0) return problem(`entry ${wrong + 1} cannot be one: ${ADVICE}`)
    if (apps.length > MAX_APPS) return problem(`has more than ${MAX_APPS} apps`)
    const twice = (values: readonly string[]): string | undefined => values.find((one, i) => values.indexOf(one) !== i)
    const token = twice(apps.map((app) => app.token))
    if (token !== undefined) return problem('has one token for two apps: make each its own')
    return parsed(apps, apps.map((app) => `${app.name}:${MASK}`).join(','))
  }
})
