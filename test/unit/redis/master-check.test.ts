import t from 'tap'
import { judgeVotes } from '../../../src/redis/master-check.ts'

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
