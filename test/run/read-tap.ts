import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { type FinalResults, Parser, type Result } from 'tap-parser'

export interface Failure {
  /** The names of the test and of the tests that it is in. */
  readonly test: string
  /** Where it stands, `test/unit/core/policy.test.ts:12`; undefined = tap does not say. */
  readonly at: string | undefined
  /** What tap says of it, a line each. */
  readonly detail: readonly string[]
}

export interface Outcome {
  /** Assertions, without those that only sum up a subtest. */
  readonly passed: number
  readonly failures: readonly Failure[]
  /** The name and the reason. */
  readonly skipped: readonly string[]
}

/** Lines of a failure that are shown. */
const MAX_LINES = 30

/** Reads the TAP of one process to its end. */
export async function readTap (output: Readable): Promise<Outcome> {
  const failures: Failure[] = []
  const skipped: string[] = []
  let passed = 0
  const judge = (result: Result): void => {
    if (result.skip !== false || result.todo !== false) skipped.push(`${nameOf(result)}: ${result.skip || result.todo}`)
    else if (result.ok) passed += 1
    else failures.push({ test: nameOf(result), at: placeOf(result), detail: detailOf(result) })
  }
  const final = await new Promise<FinalResults>((resolve) => {
    const root = new Parser(resolve)
    watch(root, judge)
    output.on('data', (chunk: Buffer) => root.write(chunk)).once('close', () => root.end())
  })
  if (!final.ok && failures.length === 0) failures.push(brokenOff(final))
  return { passed, failures, skipped }
}

/** What no assertion says: a plan is missing, since the process ended before its last line, or it gave up. */
function brokenOff ({ bailout, failures }: FinalResults): Failure {
  const errors = failures.map(({ tapError }) => `TAP: ${tapError}`)
  return {
    test: bailout === false ? 'it did not end as TAP does' : `it gave up: ${bailout}`, at: undefined, detail: errors
  }
}

/** A subtest's own line repeats what its assertions said, unless it alone knows: a plan that was not met. */
function watch (parser: Parser, judge: (result: Result) => void): void {
  let inside: Result[] = []
  const remember = (result: Result): void => {
    inside.push(result)
    judge(result)
  }
  parser.on('child', (child: Parser) => watch(child, remember))
  parser.on('assert', (result: Result) => {
    const sumsUp = result.closingTestPoint && inside.some(({ ok }) => ok === result.ok)
    inside = []
    if (!sumsUp) judge(result)
  })
}

const nameOf = ({ fullname, name }: Result): string => fullname.endsWith(name) ? fullname : `${fullname} > ${name}`

interface Diagnostics {
  readonly at?: { readonly fileName?: string, readonly lineNumber?: number }
  readonly stack?: string
}

/** A helper that asserts for others: the test file is further down the stack. */
function placeOf ({ diag }: Result): string | undefined {
  const { at, stack = '' } = (diag ?? {}) as Diagnostics
  const [test] = /test\/[\w./-]+\.test\.ts:\d+/.exec(stack) ?? []
  if (test !== undefined) return test
  return at?.fileName === undefined ? undefined : `${at.fileName}:${at.lineNumber}`
}

function detailOf ({ diag }: Result): readonly string[] {
  const { at: _, source: __, ...rest } = (diag ?? {}) as Record<string, unknown>
  const lines = Object.entries(rest).flatMap(([key, value]) =>
    `${key}: ${typeof value === 'string' ? value.trimEnd() : inspect(value, { depth: 6 })}`.split('\n'))
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} lines more`]
}
