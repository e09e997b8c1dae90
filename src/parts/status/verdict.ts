import type { UnavailablePage, UnavailableReason } from '../../base/core/reason.ts'
import type { Replica } from '../../base/parts/given.ts'
import type { GaugeReading } from '../../base/metrics/gauges.ts'
import type { PartNumbers, PartProblem } from '../../base/parts/figures.ts'
import { ago } from './format.ts'
import { WINDOW_MS } from './history.ts'
import type { Parts } from './of-parts.ts'

type Now = Pick<
  GaugeReading, 'circuitOpen' | 'queued' | 'redisUp' | 'logFollowed' | 'certificateStage' | 'clockAheadMs'
>

/** The reason of a 503, of a refusal or of a page of the login. */
export type Unavailability = UnavailableReason | UnavailablePage | 'no_key'

/** The basis of the first line of the page; counts are of its window where nothing else is said. */
export type Facts = Now & Readonly<{
  state: Replica['state']
  /** Other replicas that do not ask Authgear after failures. */
  othersFailing: number
  /** Answers given to proxies, in so many milliseconds: less than the window after a start. */
  answers: number
  windowMs: number
  /** Answers with 503, in the whole window and in its last minutes, by reason. */
  unavailable: number
  unavailableNow: Readonly<{ count: number, of: number, reason: Unavailability | undefined }>
  /** Requests for a path that is none of ours. */
  wrongPath: number
  badPolicy: number
  /** Entries of the revocation log that are not authentic, or of another CACHE_SECRET. */
  inauthentic: number
  webhooksRefused: number
  /** The numbers of each part, by its name. */
  partNumbers: Readonly<Record<string, PartNumbers>>
}>

/** `quiet`: nothing is known to be wrong, and nobody has asked. */
export type Level = 'good' | 'quiet' | 'warn' | 'bad'
/** `link`: an anchor of docs/runbook.md. */
export type Verdict = Readonly<{ level: Level, sentence: string, link: string }>

type Rule = Readonly<{
  level: Level
  when: (facts: Facts) => boolean
  sentence: (facts: Facts) => string
  note?: string | undefined
  link: string
}>

/** More of them than this wait for longer than a moment; the alert's bound too. */
const MANY_QUEUED = 100

type Cause = Readonly<{ because: string, link: string }>

/**
 * What each reason of a 503 means and asks for; where two are as frequent, the one above counts. Undefined where any
 * stranger can be the cause: that is no outage, and its part says what it is.
 */
const CAUSES: Readonly<Record<Unavailability, Cause | undefined>> = {
  record_unavailable: {
    because: 'because the access record cannot be written: check its disk and its reader',
    link: 'forwardauthaccessrecordlost'
  },
  session_not_kept: {
    because: 'because Redis did not keep new sessions: check its memory and its rights',
    link: 'sign-in-fails-with-503'
  },
  too_many_codes: {
    because: 'because Authgear limits how many sign-ins a client completes in a minute: look for junk callbacks',
    link: 'sign-in-fails-with-503'
  },
  login_failed: {
    because: 'because Authgear ended sign-ins with an error of its own: read its log',
    link: 'sign-in-fails-with-503'
  },
  login_unavailable: {
    because: 'because a sign-in or sign-out did not reach Authgear or Redis: check both',
    link: 'sign-in-fails-with-503'
  },
  no_key: {
    because: 'because no key of assertions was read from Redis yet: restore Redis',
    link: 'forwardauthredisdown'
  },
  overloaded: {
    because: 'because too many requests wait for Authgear: find out why it is slow',
    link: 'forwardauthauthgearqueue'
  },
  authgear_misconfigured: {
    because: 'because another server answers instead of Authgear: check AUTHGEAR_ENDPOINT',
    link: 'forwardauthunavailable'
  },
  authgear_unavailable: {
    because: 'because Authgear did not answer: check Authgear and the network to it',
    link: 'forwardauthunavailable'
  },
  exchange_limited: undefined
}

const isCause = (name: string): name is Unavailability => name in CAUSES
/** Those that are a sign of an outage, in this order. */
export const OUTAGES: readonly Unavailability[] =
  Object.keys(CAUSES).filter(isCause).filter((reason) => CAUSES[reason] !== undefined)

/** Each may be for want of Redis alone: sessions and blocks are there. */
const BY_REDIS: ReadonlySet<Unavailability | undefined> = new Set<Unavailability | undefined>([
  'session_not_kept', 'login_unavailable', 'no_key', 'authgear_unavailable', undefined
])
const isByRedis = ({ redisUp, unavailableNow: { count, reason } }: Facts): boolean =>
  count > 0 && redisUp === false && BY_REDIS.has(reason)

const ruleOfCause = (reason: Unavailability, { because, link }: Cause): Rule => ({
  level: 'bad',
  // an open circuit breaker and a Redis that is away say more
  when: (facts) => facts.unavailableNow.count > 0 && facts.unavailableNow.reason === reason && !isByRedis(facts) &&
    !(facts.circuitOpen && reason === 'authgear_unavailable'),
  sentence: (facts) => `${share(facts)}, ${because}`,
  link
})
const share = ({ unavailableNow: { count, of } }: Facts): string =>
  `${count} of the last ${of} ${of === 1 ? 'answer was' : 'answers were'} 503`
const times = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** The base's, the worst first: each says what is not well, and what to do. */
const OF_BASE: readonly Rule[] = [
  {
    level: 'bad',
    when: ({ certificateStage = 1 }) => certificateStage <= 0,
    sentence: () => 'The TLS certificate has expired, and proxies that verify it refuse every request: renew it',
    link: 'forwardauthcertificateexpires'
  },
  {
    level: 'bad',
    when: ({ circuitOpen }) => circuitOpen,
    sentence: () =>
      'Authgear is failing, so only users in the cache get in: restore Authgear',
    link: 'forwardauthauthgearcircuitopen'
  },
  {
    level: 'bad',
    when: (facts) => isByRedis(facts) && !facts.circuitOpen,
    sentence: (facts) => `${share(facts)} while Redis is unreachable: restore Redis, and then look at Authgear`,
    link: 'forwardauthredisdown'
  },
  ...OUTAGES.flatMap((reason) => {
    const cause = CAUSES[reason]
    return cause === undefined ? [] : ruleOfCause(reason, cause)
  }),
  {
    level: 'bad',
    when: (facts) => facts.unavailableNow.count > 0 && facts.unavailableNow.reason === undefined &&
      !facts.circuitOpen && !isByRedis(facts),
    sentence: (facts) => `${share(facts)}: read the log, which has the reason of each`,
    link: 'users-see-503'
  },
  {
    level: 'bad',
    when: ({ clockAheadMs }) => clockAheadMs !== undefined,
    sentence: ({ clockAheadMs = 0 }) =>
      `This machine's clock is ${Math.round(Math.abs(clockAheadMs) / 1000)} s ` +
        `${clockAheadMs > 0 ? 'ahead of' : 'behind'} Authgear's: synchronize both by NTP`,
    link: 'the-clocks-differ'
  },
  {
    level: 'bad',
    when: ({ wrongPath, answers }) => wrongPath > 0 && wrongPath > answers / 100,
    sentence: ({ wrongPath }) =>
      `${times(wrongPath, 'request')} used an unknown path: correct the address in the proxy`,
    link: 'forwardauthwrongpath'
  },
  {
    level: 'warn',
    when: ({ redisUp }) => redisUp === false,
    sentence: () => 'Redis is unreachable, so this replica works alone and asks Authgear more often: restore Redis',
    link: 'forwardauthredisdown'
  },
  {
    level: 'warn',
    when: ({ logFollowed, redisUp }) => logFollowed === false && redisUp === true,
    sentence: () =>
      'This replica does not follow the revocation log, so it caches for seconds only: read its log',
    link: 'forwardauthrevocationlognotfollowed'
  },
  {
    level: 'warn',
    when: ({ inauthentic }) => inauthentic > 0,
    sentence: ({ inauthentic }) =>
      `The revocation log had ${times(inauthentic, 'revocation')} of another secret: compare the CACHE_SECRETs`,
    link: 'forwardauthinauthenticrevocations'
  },
  {
    level: 'warn',
    when: ({ certificateStage = 0 }) => certificateStage > 0,
    sentence: ({ certificateStage = 0 }) =>
      `The TLS certificate expires within ${times(certificateStage, 'day')}: renew it`,
    link: 'forwardauthcertificateexpires'
  },
  {
    level: 'warn',
    when: ({ webhooksRefused }) => webhooksRefused > 0,
    sentence: ({ webhooksRefused }) =>
      `${times(webhooksRefused, 'webhook')} refused: compare AUTHGEAR_WEBHOOK_SECRET with the project's`,
    link: 'forwardauthwebhooksrefused'
  },
  {
    level: 'warn',
    when: ({ othersFailing }) => othersFailing > 0,
    sentence: ({ othersFailing }) =>
      `Authgear is failing for ${othersFailing} other ${othersFailing === 1 ? 'replica' : 'replicas'}: check their network`,
    link: 'forwardauthauthgearcircuitopen'
  },
  {
    level: 'warn',
    when: ({ queued }) => queued > MANY_QUEUED,
    sentence: ({ queued }) => `${queued} requests wait for Authgear: find out why it is slow`,
    link: 'forwardauthauthgearqueue'
  },
  {
    level: 'warn',
    when: ({ badPolicy }) => badPolicy > 0,
    sentence: ({ badPolicy }) =>
      `${times(badPolicy, 'request')} refused for an invalid policy: correct it in the proxy`,
    link: 'forwardauthbadpolicy'
  },
  {
    level: 'warn',
    when: ({ unavailable, unavailableNow }) => unavailable > 0 && unavailableNow.count === 0,
    sentence: ({ unavailable }) =>
      `Recovered: ${times(unavailable, 'answer')} with 503 in the last 15 minutes, none in the last two`,
    link: 'forwardauthunavailable'
  },
  {
    level: 'warn',
    when: ({ state }) => state === 'starting',
    sentence: () => 'This replica is starting: wait until it is ready',
    link: 'starting-or-draining'
  },
  {
    level: 'warn',
    when: ({ state }) => state === 'draining',
    sentence: () => 'This replica is shutting down and finishes its open requests: use another one',
    link: 'starting-or-draining'
  },
  {
    level: 'quiet',
    when: ({ answers }) => answers === 0,
    sentence: ({ windowMs }) => windowMs < WINDOW_MS
      ? `No problems, and no requests since the start, ${ago(windowMs)}`
      : 'No problems, and no requests for 15 minutes',
    link: 'no-requests'
  }
]

const LEVELS: readonly Level[] = ['bad', 'warn', 'quiet']

/** All rules, the worst first; those of the parts come after the base's of the same level. */
export function rulesOf (parts: Parts): readonly Rule[] {
  const ofParts = parts.flatMap(
    ({ name, status: { problems = [] } }) => problems.map((problem) => ruleOf(name, problem))
  )
  return LEVELS.flatMap((wanted) => [...OF_BASE, ...ofParts].filter(({ level }) => level === wanted))
}

function ruleOf (part: string, { level, when, sentence, note, link }: PartProblem): Rule {
  return {
    level,
    note,
    link,
    when (facts) {
      const numbers = facts.partNumbers[part]
      return numbers !== undefined && when(numbers)
    },
    sentence: (facts) => sentence(facts.partNumbers[part] ?? { now: {}, since: {} })
  }
}

const ALL_IS_WELL: Verdict = { level: 'good', sentence: 'All is well.', link: 'all-is-well' }

/** All that there is to say, the worst first: the page begins with the first; one that is well stands alone. */
export function verdictsOf (facts: Facts, parts: Parts): readonly [Verdict, ...Verdict[]] {
  const said = rulesOf(parts).filter(({ when }) => when(facts)).map(({ level, sentence, link }): Verdict => ({
    level, sentence: `${sentence(facts)}.`, link
  }))
  const [first = ALL_IS_WELL, ...others] = said
  return [first, ...others.filter(({ level }) => !isWell(level))]
}

/** The notes of all that there is to say. */
export const notesOf = (facts: Facts, parts: Parts): readonly string[] =>
  rulesOf(parts).flatMap(({ when, note }) => note !== undefined && when(facts) ? [note] : [])

export const isWell = (level: Level): boolean => level === 'good' || level === 'quiet'
