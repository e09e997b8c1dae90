import { codeOf } from '../../../base/authgear/resolver/answer.ts'
import type { ResolverProbe, ProbedAnswer } from '../../../base/authgear/resolver/probe.ts'
import type { Config } from '../../../base/config/index.ts'
import { type ClockObservation, clockOffsetMs } from '../../../base/core/clock-offset.ts'
import { CLOCK_TOLERANCE_MS } from '../../../base/core/resource-token.ts'
import type { Credentials } from '../../../base/core/credentials.ts'
import {
  AuthgearGarbage, AuthgearMisconfigured, AuthgearStatus, AuthgearTimeout, type ResolverError
} from '../../../base/errors.ts'
import { type Finding, found } from '../catalogue.ts'
import { isNameError, isTlsError, looked, type Probe, skipped } from '../check.ts'

type Authgear = Pick<Config['authgear'], 'endpoint' | 'resolverUrl'>

/** Is there a resolver, and does it know this project? Asked without any credential. */
export const resolver: Probe = {
  title: 'Authgear\'s resolver answers',
  reaches: 'authgear',
  run: async ({ look, config: { authgear }, endpointText }) =>
    looked(judgeAnswer(await look.ask(NOBODY), authgear, endpointText))
}

export const NOBODY = {
  bearer: undefined,
  appSession: undefined,
  appAccessToken: undefined,
  session: undefined
} as const

/**
 * Asks about credentials, as of a client at that address, once more where the answer is a 500, which may be transient.
 * @throws {ResolverError} with its Redis down Authgear answers those who name nobody, and fails for everybody else
 */
export async function askAbout (
  look: ResolverProbe, credentials: Credentials, address?: string
): Promise<ProbedAnswer> {
  const first = await look.ask(credentials, {}, address)
  const seen = first.status === 500 ? await look.ask(credentials, {}, address) : first
  if (seen.status !== 200) throw new AuthgearStatus(seen.status)
  return seen
}

/** Why there is no answer, whichever check asked. */
export function judgeFailure (error: ResolverError, url: string): Finding {
  if (error instanceof AuthgearStatus) {
    return found('authgear-fails', `${url} answers ${error.status} to requests with a credential`)
  }
  if (error instanceof AuthgearTimeout) return found('authgear-timeout', `${url}: ${error.message}`)
  if (error instanceof AuthgearGarbage || error instanceof AuthgearMisconfigured) {
    return found('authgear-not-resolver', `${url}: ${error.message}`)
  }
  const code = codeOf(error.cause)
  const host = new URL(url).hostname
  if (isNameError(code)) return found('authgear-dns', `${host}: the name is not known (${code})`)
  if (isTlsError(code)) return found('authgear-tls', `${url}: ${code}`)
  return found('authgear-unreachable', `${url}: ${code === '' ? 'no connection' : code}`)
}

function judgeAnswer (
  { status, body, reading, whyForeign, header }: ProbedAnswer, { endpoint, resolverUrl }: Authgear, endpointText: string
): Finding | undefined {
  if (status >= 300 && status < 400) {
    return found('authgear-redirect', `${resolverUrl} answers ${status}${placeOf(header('location')[0], resolverUrl)}`)
  }
  if (status === 404 && /^app not found/i.test(body)) return unknownHost(endpoint.host, endpointText)
  if (status === 404 || status === 405) return found('authgear-wrong-path', `${resolverUrl} answers ${status}`)
  if (status !== 200) return found('authgear-fails', `${resolverUrl} answers ${status}`)
  if (body.trim() !== '') return found('authgear-not-resolver', `${resolverUrl} answers 200 with a page`)
  if (whyForeign !== undefined) return found('authgear-not-resolver', `${resolverUrl} answers 200, but ${whyForeign}`)
  if (reading.kind === 'unusable' || reading.resolution.kind === 'valid') {
    return found(
      'authgear-not-resolver',
      `${resolverUrl} names an identity where nobody was named, or one that cannot be read`
    )
  }
  return undefined
}

function unknownHost (host: string, written: string): Finding {
  const odd = [
    /[A-Z]/.test(written.replace(/^https?/i, '')) ? 'upper case' : '',
    /:\d+\/?$/.test(written) ? 'a port' : ''
  ]
    .filter((text) => text !== '')
    .join(' and ')
  return odd === ''
    ? found('authgear-unknown-host', `Authgear has no project for the host ${host}`)
    : found(
      'authgear-endpoint-spelling',
        `Authgear has no project for the host ${host}, and AUTHGEAR_ENDPOINT is written with ${odd}`
    )
}

/** Origin only: what follows may be anything. */
function placeOf (location: string | undefined, base: string): string {
  return location === undefined || !URL.canParse(location, base) ? '' : ` to ${new URL(location, base).origin}`
}

/** core/token-expiry believes a token's `exp` for a minute longer. */
const CLOCK_OFF_MS = 60_000
const CLOCK_DRIFT_MS = 10_000

export const clock: Probe = {
  title: 'the clocks agree',
  needs: 'authgear',
  async run ({ look, clock, config: { parts } }) {
    const asked = clock.wall()
    const seen = await look.ask(NOBODY)
    const date = Date.parse(seen.header('date')[0] ?? '')
    const isStrict = parts.some(({ claims }) => claims.isTimed === true)
    return Number.isNaN(date)
      ? skipped('Authgear sent no Date')
      : looked(
        judgeClock({ asked, answered: clock.wall(), date }, isStrict ? CLOCK_TOLERANCE_MS : undefined)
      )
  }
}

/** @param driftMs where it counts when tokens were made, the clocks may differ by less than usual */
export function judgeClock (
  observation: ClockObservation,
  driftMs = CLOCK_DRIFT_MS
): Finding | undefined {
  const aheadMs = clockOffsetMs(observation)
  const off = Math.abs(aheadMs)
  if (off <= driftMs) return undefined
  const what = `this machine's clock is ${Math.round(off / 1000)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} ` +
    'Authgear\'s'
  return found(off > CLOCK_OFF_MS ? 'clock-off' : 'clock-drifts', what)
}
