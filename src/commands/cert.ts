import { setTimeout } from 'node:timers/promises'
import { CertError, type CertOptions, certOptions, USAGE } from './cert/options.ts'
import { issue } from './cert/authority.ts'
import { LEAF_LIFE_MS } from './cert/sign.ts'
import type { Out } from './command-line.ts'

/** The outside, so that tests need not wait; `sleep` ends early when `signal` aborts, and does not throw then. */
export type CertSurroundings = Readonly<{
  now: () => number
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
}>

const system: CertSurroundings = Object.freeze({
  now: () => Date.now(),
  sleep: async (ms: number, signal: AbortSignal) => await setTimeout(ms, undefined, { signal }).catch(() => undefined)
})

/**
 * Looks at the clock this often: a machine that slept, or whose clock was set, is noticed, and timers hold 24 days at
 * most.
 */
const LOOK_INTERVAL_MS = 600_000

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const report = ({ out, caDir, hosts, clientDir }: CertOptions, expiry: number): string =>
  `wrote ${[out, clientDir].filter((directory) => directory !== undefined).join(' and ')}: for ` +
  `${hosts.map(({ value }) => value).join(', ')}, valid until ${day(expiry)}\n` +
  `the authority's key stays in ${caDir}: do not share that directory, and keep it\n`

/**
 * Runs until the signal; a renewal that fails is said and tried again, since two thirds of the life are still to come.
 */
async function renew (
  options: CertOptions,
  first: number,
  out: Out,
  { now, sleep }: CertSurroundings,
  signal: AbortSignal
): Promise<void> {
  let expiry = first
  for (;;) {
    await sleep(LOOK_INTERVAL_MS, signal)
    if (signal.aborted) return
    if (now() < expiry - LEAF_LIFE_MS / 3) continue
    try {
      expiry = await issue(options, now())
      out.write(`renewed: valid until ${day(expiry)}\n`)
    } catch (error) {
      out.write(`error: not renewed, valid until ${day(expiry)}: ${messageOf(error)}\n`)
    }
  }
}

/**
 * The words about an error: of a defect this is all that is known, of a system error the code and path, of ours a
 * sentence; none holds key material.
 */
const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

async function untilSignal (run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopped = new AbortController()
  const stop = (): void => { stopped.abort() }
  process.once('SIGTERM', stop).once('SIGINT', stop)
  try {
    await run(stopped.signal)
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop)
  }
}

/** `cert`: a small authority and a certificate of it for the link between proxy and service. Returns the exit code. */
export async function cert (
  args: readonly string[],
  out: Out,
  surroundings: CertSurroundings = system
): Promise<number> {
  let usage = USAGE
  try {
    const options = certOptions(args)
    if (options === 'help') {
      out.write(USAGE)
      return 0
    }
    usage = ''
    const expiry = await issue(options, surroundings.now())
    out.write(report(options, expiry))
    if (options.watch) await untilSignal(async signal => await renew(options, expiry, out, surroundings, signal))
    return 0
  } catch (error) {
    // the system's errors (EACCES, ENOSPC …) carry a code too; anything else is a defect and keeps its stack
    if (!(error instanceof CertError) && !(error instanceof Error && 'code' in error)) throw error
    out.write(`error: ${messageOf(error)}\n${usage === '' ? '' : `\n${usage}`}`)
    return 1
  }
}
