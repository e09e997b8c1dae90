import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cutVariables } from '../../../src/base/config/env-files.ts'
import { loadConfig } from '../../../src/app/config.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const KNOWN = ['BRAND_COLOR', 'RESOURCES', 'REDIS_PASSWORD', 'LOG_LEVEL']
const ROWS: ReadonlyArray<readonly [line: string, cut: boolean]> = [
  ['RESOURCES=https://api.example.com#read:orders', true],
  ['export RESOURCES = https://api.example.com#read', true],
  ['REDIS_PASSWORD=ab#cd', true],
  ['BRAND_COLOR=#112233', true],
  ['BRAND_COLOR= # none', false],
  ['RESOURCES="https://api.example.com#read:orders"', false],
  ['RESOURCES=https://api.example.com # all of it', false],
  ['LOG_LEVEL=info', false],
  ['# RESOURCES=https://api.example.com#read', false],
  ['OTHER=a#b', false]
]

t.test('a value that node --env-file cuts at a # is an error', async (t) => {
  for (const [line, cut] of ROWS) {
    const file = join(tempDir(t, 'env'), '.env')
    writeFileSync(file, `A=1\n${line}\nB=2\n`)
    // what Node itself makes of the file
    const script = 'console.log(JSON.stringify([process.env, process.execArgv]))'
    for (const option of [[`--env-file=${file}`], ['--env-file', file]]) {
      const { stdout } = spawnSync(process.execPath, [...option, '-p', script], { env: {}, encoding: 'utf8' })
      const [env, execArgv] = JSON.parse(stdout.split('\n')[0] ?? '') as [NodeJS.ProcessEnv, string[]]
      const errors = cutVariables(env, execArgv, (path) => readFileSync(path, 'utf8'), KNOWN)
      t.equal(errors.length, cut ? 1 : 0, `${line} ${option.length}`)
      t.notMatch(errors.join(), 'ab')
    }
  }
})

t.test('a value that the environment gives is not cut, whatever the file says', async (t) => {
  const read = (): string => 'RESOURCES=https://a.example#b\n'
  t.strictSame(cutVariables({ RESOURCES: 'https://c.example' }, ['--env-file=x'], read, KNOWN), [])
  t.equal(cutVariables({ RESOURCES: 'https://a.example' }, ['--env-file=x'], read, KNOWN).length, 1)
})

t.test('the rest of a truncated value is not reported twice', async (t) => {
  const text = 'AUTHGEAR_RESOLVER_URL=https://b.example/resolve#top\nBRAND_COLOR=#112233\n'
  const env = { AUTHGEAR_ENDPOINT: 'https://a.example', AUTHGEAR_RESOLVER_URL: 'https://b.example/resolve', CACHE_TTL: 'x' }
  const loaded = loadConfig(env, { execArgv: ['--env-file=x'], readFile: () => text })
  t.match(loaded, { kind: 'errors', errors: [/^AUTHGEAR_RESOLVER_URL: --env-file cut its value/, /^CACHE_TTL: /] })
  t.equal(loaded.kind === 'errors' && loaded.errors.length, 2)
})
