import type { Config } from '../../../config/index.ts'
import { originBeside } from '../../healthcheck.ts'
import { type Finding, found } from '../catalogue.ts'
import { looked, type Probe, skipped } from '../check.ts'

/** Does the listener of events that this environment describes take each of its tokens? */
export const events: Probe = {
  title: 'apps can follow the events',
  async run ({ config: { events: at, eventApps, tls } }) {
    if (at === undefined) return skipped('LISTEN_EVENTS is off')
    if (at.kind === 'unix' || tls !== undefined) return skipped('it is on a socket file, or speaks TLS')
    const url = `${originBeside(at)}/events/check`
    const statuses = await Promise.all(eventApps.map(({ token }) => statusOf(url, token)))
    return looked(...judgeEvents(eventApps, statuses))
  }
}

/** @returns undefined where nobody answers */
async function statusOf (url: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` }
  const signal = AbortSignal.timeout(ANSWER_MS)
  return await fetch(url, { method: 'POST', headers, body: '{"sessions":[]}', signal }).then(
    ({ status }) => status, () => undefined
  )
}

const ANSWER_MS = 5000

function judgeEvents (
  apps: Config['eventApps'],
  statuses: ReadonlyArray<number | undefined>
): ReadonlyArray<Finding | undefined> {
  if (statuses.every((status) => status === undefined)) {
    return [found('events-unreachable', 'nobody answers at LISTEN_EVENTS')]
  }
  return apps.map(({ name }, index) => {
    const status = statuses[index]
    return status === 200 ? undefined : found('events-refused', `the token of ${name} is answered ${status ?? 'nothing'}`)
  })
}
