import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mustFind, skipOrFail } from '../../../helpers/servers.ts'
import { tempDir } from '../../../helpers/temp-dir.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const PAGE = readFileSync(join(ROOT, 'docs/access-record.md'), 'utf8')
/** A replica that was killed left part of a line. */
const RECORD = `${readFileSync(join(ROOT, 'test/fixtures/access.jsonl'), 'utf8')}{"record":"access","seq":4`
const [, CLEAN = ''] = /```sh clean\n(.*?)```/s.exec(PAGE) ?? []
const [, SETUP = ''] = /```sql setup\n(.*?)```/s.exec(PAGE) ?? []

const QUESTIONS = [...PAGE.matchAll(/^### (\d+\. .*?)\n(?:[A-Z][^\n]*\n)?```jq( -s)?\n(.*?)```\n```sql\n(.*?)```/gms)]
  .map(([, name = '', slurp, jq = '', sql = '']) => ({ name, slurp: slurp !== undefined, jq, sql }))

/** By number: what the recorded lines answer. */
const ANSWERS: ReadonlyArray<readonly unknown[]> = [
  [['bob', '/admin/users', '2026-11-27T08:30:00.000Z']],
  [['2026-11-27T09:00:00.000Z', 'allowed', 'POST', '/mcp', 'read'],
    ['2026-11-27T09:00:02.000Z', 'refused', 'POST', '/mcp/delete', 'delete']],
  [['bob', 'app.example.com']],
  [['carol']],
  [['alice', '2026-11-27T08:00:58.000Z'], ['bob', '2026-11-27T08:30:00.000Z'], ['carol', '2026-11-27T09:58:00.000Z']],
  [['api.example.com', 'allowed', 1], ['app.example.com', 'allowed', 43], ['app.example.com', 'refused', 5],
    ['app.example.com', 'signed_in', 1], ['app.example.com', 'unavailable', 1], ['mcp.example.com', 'allowed', 1],
    ['mcp.example.com', 'refused', 1], ['wiki.example.com', 'allowed', 12]],
  [['backup', 1, 0], ['dcrc_1', 2, 1]],
  [['2026-11-27T08:00:00.000Z', 'signed_in', 'app.example.com', '/_auth/callback', 1],
    ['2026-11-27T08:00:01.000Z', 'allowed', 'app.example.com', '/', 1],
    ['2026-11-27T08:00:05.000Z', 'allowed', 'app.example.com', '/', 41]],
  [['authgear_unavailable', '2026-11-27T11:00:00.000Z', '2026-11-27T11:00:00.000Z']],
  // the first replica started again, so its numbers did too, and its first line then is lost
  [['one', 0], ['one', 1], ['two', 2]]
]

const rows = (text: string): readonly unknown[] =>
  text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as unknown)

t.test('the page asks ten questions', async (t) => { t.equal(QUESTIONS.length, ANSWERS.length) })

for (const [index, { name, slurp, jq, sql }] of QUESTIONS.entries()) {
  t.test(`jq: ${name}`, { skip: skipOrFail('jq') }, async (t) => {
    const cwd = tempDir(t, 'jq')
    writeFileSync(join(cwd, 'access.jsonl'), RECORD)
    execFileSync('sh', ['-c', CLEAN], { cwd })
    const args = ['-c', ...slurp ? ['-s'] : [], jq, 'whole.jsonl']
    const answer = execFileSync(mustFind('jq'), args, { cwd, encoding: 'utf8' })
    t.strictSame(rows(answer), ANSWERS[index])
  })

  t.test(`DuckDB: ${name}`, { skip: skipOrFail('python-apps') }, async (t) => {
    const cwd = tempDir(t, 'duckdb')
    writeFileSync(join(cwd, 'access.jsonl'), RECORD)
    const script = 'import duckdb, json, sys\nduckdb.sql(sys.argv[1])\n' +
      'for row in duckdb.sql(sys.argv[2]).fetchall(): print(json.dumps(row))'
    const answer = execFileSync(mustFind('python-apps'), ['-c', script, SETUP, sql], { cwd, encoding: 'utf8' })
    t.strictSame(rows(answer), ANSWERS[index])
  })
}
