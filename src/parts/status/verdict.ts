import type { Replica } from '../../base/parts/places.ts'
import type { GaugeReading } from '../../base/metrics/gauges.ts'
import type { PartNumbers, PartProblem } from '../../base/parts/figures.ts'
import { ago } from './format.ts'
import { WINDOW_MS } from './history.ts'
import type { Parts } from './of-parts.ts'

type Now = Pick<GaugeReading, 'circuitOpen' | 'queued' | 'redisUp' | 'logFollowed' | 'certificateStage'>

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
  unavailableNow: Readonly<{ count: number, of: number, reason: string | undefined }>
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
const isUnavailable = (reason: string) => ({ unavailableNow }: Facts): boolean =>
  unavailableNow.count > 0 && unavailableNow.reason === reason
/** Most 503 say no more, those of sessions and blocks in Redis too. */
const isWithoutCause = ({ circuitOpen, unavailableNow: { count, reason } }: Facts): boolean =>
  count > 0 && !circuitOpen && (reason ?? 'authgear_unavailable') === 'authgear_unavailable'
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
    when: isUnavailable('authgear_misconfigured'),
    sentence: (facts) => `${share(facts)}, because another server answers instead of Authgear: check AUTHGEAR_ENDPOINT`,
    link: 'forwardauthunavailable'
  },
  {
    level: 'bad',
    when: isUnavailable('overloaded'),
    sentence: (facts) => `${share(facts)}, because too many requests wait for Authgear: find out why it is slow`,
    link: 'forwardauthauthgearqueue'
  },
  {
    level: 'bad',
    when: (facts) => facts.redisUp === false && isWithoutCause(facts),
    sentence: (facts) => `${share(facts)} while Redis is unreachable: restore Redis, and then look at Authgear`,
    link: 'forwardauthredisdown'
  },
  {
    level: 'bad',
    when: (facts) => facts.redisUp !== false && isWithoutCause(facts),
    sentence: (facts) => `${share(facts)}, because Authgear did not answer: check Authgear and the network to it`,
    link: 'forwardauthunavailable'
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

function ruleOf (part: string, { level, reason, when, sentence, note, link }: PartProblem): Rule {
  const isReason = reason === undefined ? () => true : isUnavailable(reason)
  return {
    level,
    note,
    link,
    when (facts) {
      const numbers = facts.partNumbers[part]
      return numbers !== undefined && when(numbers) && isReason(facts)
    },
    sentence: (facts) => sentence(facts.partNumbers[part] ?? { now: {}, since: {} }, share(facts))
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
