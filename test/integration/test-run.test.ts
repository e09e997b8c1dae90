import { execFile } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')
const SAMPLES = 'test/fixtures/run'

interface Run {
  readonly status: number
  /** Lines of its screen. */
  readonly screen: readonly string[]
}

/** `npm test -- FILE…`, without servers and build. */
function run (names: readonly string[], env: Readonly<Record<string, string>> = {}, folder?: string): Promise<Run> {
  const files = names.map((name) => `${SAMPLES}/${name}.test.ts`)
  const { CI: _, RANDOM_TIMES: __, FUZZ_SEED: ___, ...ours } = process.env
  return new Promise((resolve) => {
    const args = ['test/run/main.ts', ...folder === undefined ? files : [folder]]
    execFile(process.execPath, args, { cwd: ROOT, env: { ...ours, ...env } }, (error, stdout) =>
      resolve({ status: Number(error?.code ?? 0), screen: stdout.trimEnd().split('\n') }))
  })
}

t.test('a red run ends with the assertion, its place, the seed, the load and the command', async (t) => {
  const { status, screen } = await run(['red', 'green'], { FUZZ_SEED: '7' })
  t.equal(status, 1)
  t.equal(screen.at(-1), '2 passed, 2 failed, 1 skipped')
  const text = screen.join('\n')
  t.match(text, /== test\/fixtures failed \(load \d+\.\d on \d+ cores\)/)
  t.match(text, / - the outer test > the inner test > one and one is three\n {3}at test\/fixtures\/run\/red\.test\.ts:5\n/)
  t.match(text, /seed: 42/)
  t.ok(screen.includes('   again: FUZZ_SEED=7 npm test -- test/fixtures/run/red.test.ts'))
  t.ok(screen.includes('skipped: the outer test > a skipped test: no envoy here'))
})

t.test('a green run passes, with a line for each file', async (t) => {
  const { status, screen } = await run(['green'])
  t.equal(status, 0)
  t.match(screen[0], /^ok +1\/1 +\d+\.\d s {2}test\/fixtures\/run\/green\.test\.ts \(1 passed\)$/)
  t.equal(screen.at(-1), '1 passed, 0 failed, 0 skipped')
})

for (const [others, passed] of [[[], 0], [['green'], 1]] as const) {
  t.test(`a path that is not there fails by its name, beside ${passed} that are`, async (t) => {
    const { status, screen } = await run([...others, 'nowhere'])
    t.equal(status, 1)
    t.ok(screen.includes(`there is no ${SAMPLES}/nowhere.test.ts`))
    t.equal(screen.at(-1), `${passed} passed, 1 failed, 0 skipped`)
  })
}

/** What no assertion says. */
const BROKEN: Readonly<Record<string, string>> = {
  killed: 'SIGKILL ended it',
  silent: 'it asserts nothing',
  unplanned: 'a plan that is not met',
  early: 'it did not end as TAP does\n *TAP: no plan',
  bailout: 'it gave up: no more'
}
for (const [name, why] of Object.entries(BROKEN)) {
  t.test(`${name}: a file that breaks off fails, and says why`, async (t) => {
    const { status, screen } = await run([name])
    t.equal(status, 1)
    t.match(screen.join('\n'), new RegExp(why))
    t.match(screen.at(-1), /^\d passed, [1-9] failed, 0 skipped$/)
  })
}

t.test('a process that a test leaves behind holds nothing up', async (t) => {
  t.equal((await run(['orphan'])).screen.at(-1), '1 passed, 0 failed, 0 skipped')
})

t.test('a choice without a test fails, and says so', async (t) => {
  const { status, screen } = await run([], {}, 'test/helpers')
  t.equal(status, 1)
  t.match(screen.join('\n'), /no test in test\/helpers/)
  t.equal(screen.at(-1), '0 passed, 1 failed, 0 skipped')
})

t.test('the command that repeats a random test names how many cases it had', async (t) => {
  const { screen } = await run(['red'], { RANDOM_TIMES: '4' })
  t.ok(screen.includes('   again: RANDOM_TIMES=4 npm test -- test/fixtures/run/red.test.ts'))
})

t.test('with CI set a skipped test is a failure', async (t) => {
  const { screen } = await run(['red'], { CI: '1' })
  t.equal(screen.at(-1), '1 passed, 3 failed, 0 skipped')
})
