import { parts } from '../parts/index.ts'
import { text } from 'node:stream/consumers'
import { systemClock, type Clock } from '../base/clock.ts'
import { loadConfig } from '../app/config.ts'
import type { Config, LoadedConfig } from '../base/config/index.ts'
import { cookieNames } from '../base/core/credentials.ts'
import { ResolverError } from '../base/errors.ts'
import { inspectRedis } from '../base/redis/probe.ts'
import { redisKeysOf, type RedisKeys } from '../base/redis/keys.ts'
import { createResolverProbe } from '../base/authgear/resolver/probe.ts'
import { type Finding, found } from './doctor/catalogue.ts'
import { atOf, ofPart } from './doctor/of-parts.ts'
import { doctorOptions, USAGE, type DoctorOptions } from './doctor/options.ts'
import {
  type Context, looked, type Outcome, type Probe, type Report, type Result, SEE_ABOVE, skipped
} from './doctor/check.ts'
import { clock, judgeFailure, resolver } from './doctor/checks/authgear.ts'
import type { Out } from './command-line.ts'
import { authgearCertificate, idleTimeout, ownCertificate } from './doctor/checks/settings.ts'
import { redis, redisLatency, redisRights, redisServer } from './doctor/checks/redis.ts'
import { cookies, trustProxy } from './doctor/checks/cookies.ts'
import { signUp } from './doctor/checks/sign-up.ts'
import { openPorts } from './doctor/checks/open-ports.ts'
import { address } from './doctor/checks/address.ts'
import { pasted } from './doctor/checks/pasted.ts'
import { cacheSecret, rotation } from './doctor/checks/secrets.ts'
import { keys } from './doctor/checks/keys.ts'
import { stranger, throughProxy } from './doctor/checks/through-proxy.ts'
import { revocationLog, webhook } from './doctor/checks/revocations.ts'
import { printable } from '../base/logging/pretty.ts'

export type DoctorIo = Readonly<{
  stdin: AsyncIterable<string | Uint8Array> & Readonly<{ isTTY?: boolean }>
  out: Out
  err: Out
}>

/**
 * Looks at the configured Authgear and Redis as the service would use them, and says what is wrong.
 * @returns the exit code: 1 where there is an error
 */
export async function doctor (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin, out, err }: DoctorIo,
  clock: Clock = systemClock
): Promise<0 | 1> {
  const options = doctorOptions(args)
  if (typeof options === 'string') {
    out.write(options === 'help' ? USAGE : `error: ${options}\n\n${USAGE}`)
    return options === 'help' ? 0 : 1
  }
  if (options.paste !== undefined && stdin.isTTY === true) {
    err.write(`paste the ${options.paste}, then press Ctrl-D on a line of its own\n`)
  }
  const pasted = options.paste === undefined ? '' : await text(stdin)
  const tell = (result: Result): void => {
    if (!options.json && result.outcome.kind === 'looked') out.write(textOf(result))
  }
  const report = await examine(env, { options, pasted, clock }, tell)
  out.write(options.json ? asJson(report) : `${skippedText(report)}\n${countText(report)}\n`)
  return countOf(report).errors > 0 ? 1 : 0
}

type DoctorInput = Readonly<{ options: DoctorOptions, pasted: string, clock: Clock }>

/**
 * @param tell each result as soon as it is there: a server that does not answer may take a minute in all
 * @param probes in their order
 */
export async function examine (
  env: NodeJS.ProcessEnv,
  given: DoctorInput,
  tell: (result: Result) => void,
  probes: readonly Probe[] = PROBES
): Promise<Report> {
  const loaded = loadConfig(env)
  const configuration: Result = { title: 'the configuration', outcome: looked(...findingsAbout(loaded)) }
  tell(configuration)
  if (loaded.kind === 'errors') return { endpoint: undefined, results: [configuration] }
  const { config } = loaded
  const context = openContext(config, env['AUTHGEAR_ENDPOINT'] ?? '', given)
  try {
    const results = await runAll(probes, context, tell)
    return { endpoint: config.authgear.endpoint.origin, results: [configuration, ...results] }
  } finally {
    await context.look.close()
    await context.redis?.close()
  }
}

const findingsAbout = (loaded: LoadedConfig): readonly Finding[] => loaded.kind === 'errors'
  ? loaded.errors.map((error) => found('configuration', error))
  : loaded.warnings.map((warning) => found('configuration-doubtful', warning))

function openContext (config: Config, endpointText: string, given: DoctorInput): Context {
  const { authgear, redis } = config
  return {
    ...given,
    config,
    endpointText: endpointText.trim(),
    look: createResolverProbe({ ...authgear, cookieNames: cookieNames(authgear.cookiePrefix) }),
    redis: redis === undefined ? undefined : openRedis(redis, redisKeysOf(redis.keyPrefix, authgear.endpoint.origin))
  }
}

function openRedis (settings: NonNullable<Config['redis']>, keys: RedisKeys): Context['redis'] {
  return { ...inspectRedis(settings, keys.log), keys }
}

/** One after the other, so that none is slow because of another. */
async function runAll (
  probes: readonly Probe[],
  context: Context,
  tell: (result: Result) => void
): Promise<readonly Result[]> {
  const results: Result[] = []
  const unreachable = new Map<string, string>()
  for (const probe of probes) {
    const why = unreachable.get(probe.needs ?? '')
    const outcome = why === undefined ? await run(probe, context) : skipped(why)
    const whyNot = whyUnreachable(outcome)
    if (probe.reaches !== undefined && whyNot !== undefined) unreachable.set(probe.reaches, whyNot)
    const result = { title: probe.title, outcome }
    results.push(result)
    tell(result)
  }
  return results
}

/** @returns why the checks make no sense that need what this one did not reach */
function whyUnreachable (outcome: Outcome): string | undefined {
  if (outcome.kind === 'skipped') return outcome.why
  return outcome.findings.some(({ severity }) => severity === 'error') ? SEE_ABOVE : undefined
}

/** A check that fails says so, and only what kind of error it met: its message may hold anything. */
async function run (probe: Probe, context: Context): Promise<Outcome> {
  try {
    return await probe.run(context)
  } catch (error) {
    if (error instanceof ResolverError) return looked(judgeFailure(error, context.config.authgear.resolverUrl))
    const name = error instanceof Error ? ('code' in error ? String(error.code) : error.name) : 'unknown'
    return looked(found('unforeseen', `${probe.title}: ${name}`))
  }
}

/** In the order in which they are run and printed: what the others need comes first. */
export const PROBES: readonly Probe[] = Object.freeze([
  resolver, authgearCertificate, clock, trustProxy, cookies, signUp,
  keys, pasted, address, stranger, throughProxy, openPorts,
  idleTimeout,
  redis, redisRights, redisServer, revocationLog, redisLatency, cacheSecret,
  webhook, rotation,
  ...probesOfParts(() => true),
  ownCertificate
])

/** The checks of the parts that `isMeant` picks. */
function probesOfParts (isMeant: (check: PartCheck) => boolean): readonly Probe[] {
  return parts.flatMap(({ name, checks }) =>
    checks.flatMap((check, index) => isMeant(check) ? [probeOf(name, check, index)] : []))
}

/** Those that `init` runs, too. */
export const FOR_INIT = probesOfParts(({ isForInit }) => isForInit === true)

type PartCheck = (typeof parts)[number]['checks'][number]

function probeOf (part: string, { title, off, needs }: PartCheck, index: number): Probe {
  return {
    title,
    ...needs === undefined ? {} : { needs },
    async run (context) {
      const checked = await context.config.parts.find(({ name }) => name === part)?.checks[index]?.(atOf(context))
      if (checked === undefined) return skipped(off)
      return checked.kind === 'skipped' ? checked : looked(...ofPart(checked.findings))
    }
  }
}

const findingsOf = ({ results }: Report): readonly Finding[] =>
  results.flatMap(({ outcome }) => (outcome.kind === 'looked' ? outcome.findings : []))

export function countOf (report: Report): Readonly<{ errors: number, warnings: number }> {
  const findings = findingsOf(report)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  return { errors, warnings: findings.length - errors }
}

export function asJson (report: Report): string {
  const checks = report.results.map(({ title, outcome }) =>
    outcome.kind === 'skipped'
      ? { title, state: 'skipped', why: outcome.why }
      : {
          title,
          state: outcome.findings.length === 0 ? 'ok' : 'found',
          ...outcome.notes === undefined ? {} : { notes: outcome.notes }
        }
  )
  const content = { endpoint: report.endpoint, ...countOf(report), findings: findingsOf(report), checks }
  return `${JSON.stringify(content, null, 2)}\n`
}

/** What nobody looked at: a line each, or one for all where something above has to be fixed first. */
function skippedText ({ results }: Report): string {
  const all = results.filter(({ outcome }) => outcome.kind === 'skipped')
  const waiting = all.filter(({ outcome }) => outcome.kind === 'skipped' && outcome.why === SEE_ABOVE)
  if (waiting.length === 0) return all.map(textOf).join('')
  return `skipped  ${plural(all.length, 'check')}, ${waiting.length} for want of what is above: --json names them\n`
}

function countText (report: Report): string {
  const { errors, warnings } = countOf(report)
  return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
}

/** The text of one result, whose words may be another server's. */
export function textOf ({ title, outcome }: Result): string {
  if (outcome.kind === 'skipped') return `skipped  ${title}: ${outcome.why}\n`
  const notes = (outcome.notes ?? []).map((note) => `         ${printable(note)}\n`).join('')
  if (outcome.findings.length === 0) return `ok       ${title}\n${notes}`
  return outcome.findings
    .map(
      ({ id, severity, what, why, set }) =>
        `${severity.padEnd(7)}  ${id}: ${printable(what)}\n         why: ${why}\n         set: ${set}\n`
    )
    .join('') + notes
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
