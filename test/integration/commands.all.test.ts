import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const ENDPOINT = { AUTHGEAR_ENDPOINT: 'https://a.example' }

/** test/integration/lifecycle.test.ts has the usual ones. */
const ROWS: ReadonlyArray<readonly [args: readonly string[], env: NodeJS.ProcessEnv, ended: object]> = [
  [['help'], {}, { status: 0, stdout: /serve[^]+snippet/ }],
  [['-h'], {}, { status: 0, stdout: /serve[^]+snippet/ }],
  [['-v'], {}, { status: 0, stdout: /^\d+\.\d+\.\d+ \([0-9a-f-]+(?:-dirty)?\)\n$/ }],
  [['something'], {}, { status: 1, stderr: /there is no command "something"\n/ }],
  [['snippet', 'caddy', '--pollicy'], {}, { status: 1, stderr: /no option --pollicy: did you mean --policy\?/ }],
  [['check'], { AUTHGEAR_TIMOUT: '1s' }, { status: 1 }],
  [['cert', '--help'], {}, { status: 0, stdout: /--host/ }],
  [['healthcheck'], { ...ENDPOINT, MANAGEMENT_LISTEN: 'off' }, { status: 1, stderr: /MANAGEMENT_LISTEN is off/ }],
  [['healthcheck'], {}, { status: 1, stderr: /check/ }]
]

t.test('other commands that end by themselves', async (t) => {
  const { NODE_V8_COVERAGE } = process.env
  for (const [args, env, ended] of ROWS) {
    const all = { ...NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }, ...env }
    t.match(spawnSync(process.execPath, [MAIN, ...args], { env: all, encoding: 'utf8' }), ended, args.join(' '))
  }
})
