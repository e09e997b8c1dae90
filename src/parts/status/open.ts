import type { ManagementRoutes } from '../../base/parts/feature.ts'
import type { NamedFigures } from '../../base/parts/figures.ts'
import type { Given } from '../../base/parts/given.ts'
import { announce } from './announce.ts'
import { createHistory, STEP_MS } from './history.ts'
import { addLogOut } from './log-out.ts'
import { logOutSection } from './log-out-page.ts'
import { openPresence } from './presence.ts'
import { addStatus } from './routes.ts'

/** The key of the replicas that follow the revocations, among the project's own. */
const REPLICAS_KEY = 'replicas'

type StatusGiven = Given & Readonly<{
  /** Of each part that is on. */
  figures: readonly NamedFigures[]
}>

export function openStatus (_settings: object, given: StatusGiven) {
  const { clock, figures: parts, self, managementToken: token, openAdminApi, log, redis, ttlMs } = given
  const presence = presenceOf(given)
  const seen = (): number => presence?.seen() ?? 0
  return Object.freeze({
    management: {
      routes (scope, { about, reading, ownHostsOnly, sections }) {
        const history = createHistory({ read: reading, clock })
        const timer = setInterval(history.sample, STEP_MS)
        scope.addHook('onClose', async () => clearInterval(timer))
        const status = () => ({
          about, parts, state: self().state, samples: history.window(), others: presence?.others() ?? []
        })
        addStatus(scope, { status, clock, ownHostsOnly, sections })
        if (token !== undefined && openAdminApi !== undefined) addLogOut(scope, { token, openAdminApi, log })
      },
      ...token === undefined
        ? {}
        : { section: logOutSection({ hasAdminApi: openAdminApi !== undefined, isShared: redis !== undefined, ttlMs }) }
    } satisfies ManagementRoutes,
    /** How many there were when last counted, this one included. */
    replicas: () => presence?.lastSeen() ?? 1,
    numbers: () => presence === undefined ? {} : { replicas: seen() },
    gauges: { replicas: seen },
    close: async () => await presence?.close()
  })
}

/** Undefined without Redis. */
function presenceOf ({ redis, self, isFollowing }: Given) {
  if (redis === undefined) return undefined
  const { commands, keyOf, reportOnce } = redis
  const key = keyOf(REPLICAS_KEY)
  return openPresence({
    announce: (announcement) => announce(commands, key, announcement),
    self,
    isFollowing,
    failed: (error) => reportOnce('announce', error)
  })
}
