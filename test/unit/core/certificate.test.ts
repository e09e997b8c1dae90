import t from 'tap'
import { certificateStage, type CertificateStage, endOf } from '../../../src/base/core/certificate.ts'

const DAY_MS = 86_400_000

/** Days of its life, days to its end. */
const ROWS: ReadonlyArray<readonly [life: number, left: number, stage: CertificateStage | undefined]> = [
  [90, 15, undefined], [90, 14, 14], [90, 8, 14], [90, 7, 7], [90, 1, 1], [90, 0.5, 1], [90, 0, 0], [90, -0.9, 0],
  [90, -1, -1], [90, -6, -1], [90, -7, -7], [90, -30, -14],
  [6, 2, undefined], [6, 1, 1], [1, 0.5, undefined], [1, 0, 0], [398, 14, 14]
]

t.test('warns before and after a certificate\'s expiry, by its lifetime', async (t) => {
  for (const [life, left, stage] of ROWS) {
    t.equal(certificateStage({ from: 0, to: life * DAY_MS }, (life - left) * DAY_MS), stage, `${left} of ${life} days`)
  }
})

t.test('in words', async (t) => {
  const life = { from: 0, to: 90 * DAY_MS }
  t.equal(endOf(life, 83.5 * DAY_MS), 'ends in 6 days, at 1970-04-01T00:00:00.000Z')
  t.match(endOf(life, 90 * DAY_MS - 1), /^ends in less than a day/)
  t.match(endOf(life, 91 * DAY_MS), /^ended a day ago/)
})
