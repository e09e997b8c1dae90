import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

/**
 * Bytes, 1.5 times what was measured (docs/inside/performance.md): times are noisy, bytes are not, what a hit allocates
 * has to be collected.
 */
const A_HIT = { bearer: 1700, cookie: 2000, policy: 2050, refused: 1900 } as const
/** Bytes of memory for each session that is remembered. */
const A_SESSION = { bearer: 400, cookie: 400 } as const

/** Coverage's counters keep V8 from what it does for the service: a fifth more bytes, and another number each time. */
const { NODE_V8_COVERAGE, NODE_OPTIONS, ...AS_SHIPPED } = process.env

/** On a busy machine V8's compiler thread is late, and code that is not optimised yet allocates more. */
const OPTIMISES_AT_ONCE = ['--no-concurrent-recompilation']

const SCRIPT = new URL('../helpers/hit-cost.mjs', import.meta.url).pathname

t.test('100,000 hits allocate no more than before, and a session keeps no more', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc', ...OPTIMISES_AT_ONCE, '--min-semi-space-size=64', '--max-semi-space-size=64', SCRIPT
  ], { env: AS_SHIPPED })
  const { hit, session }: Record<'hit' | 'session', Record<string, number>> = JSON.parse(stdout)
  t.comment(`bytes a hit: ${JSON.stringify(hit)}, a session: ${JSON.stringify(session)}`)
  for (const [kind, limit] of Object.entries(A_HIT)) {
    t.ok((hit[kind] ?? NaN) <= limit, `a hit by ${kind}: ${hit[kind]} bytes, at most ${limit}`)
  }
  for (const [kind, limit] of Object.entries(A_SESSION)) {
    t.ok((session[kind] ?? NaN) <= limit, `a session by ${kind}: ${session[kind]} bytes, at most ${limit}`)
  }
})
