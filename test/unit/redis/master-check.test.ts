import t from 'tap'
import { judgeVotes, voteOf } from '../../../src/base/redis/master-check.ts'

const ROWS: ReadonlyArray<readonly [votes: readonly boolean[], configured: number, verdict: string]> = [
  [[true, true, true], 3, 'master'],
  [[true, true], 3, 'master'],
  [[true], 3, 'unknown'],
  [[true], 2, 'unknown'],
  [[true], 1, 'master'],
  [[], 3, 'unknown'],
  [[true, true, false], 3, 'unknown'],
  [[true, false], 3, 'unknown'],
  [[true, false, false], 3, 'other'],
  [[false], 3, 'other'],
  [[true, true, false, false, false], 5, 'other']
]

t.test('more than half of the configured Sentinels name the master, and none another one', async (t) => {
  for (const [votes, configured, verdict] of ROWS) {
    t.equal(judgeVotes(votes, configured), verdict, `${JSON.stringify(votes)} of ${configured}`)
  }
})

t.test('a Sentinel without an address casts no vote for another server', async (t) => {
  t.equal(await voteOf('no-such-host.invalid:6379', '127.0.0.1', 6379), undefined)
  t.equal(await voteOf('127.0.0.1:6379', undefined, undefined), undefined)
  t.equal(await voteOf('localhost:6379', '127.0.0.1', 6379), true)
  t.equal(await voteOf('::1:6379', '127.0.0.1', 6379), false)
  t.equal(await voteOf('127.0.0.1:6380', '127.0.0.1', 6379), false)
})
