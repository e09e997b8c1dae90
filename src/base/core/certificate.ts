/** Milliseconds since 1970. */
export type CertificateLife = Readonly<{ from: number, to: number }>

/** Days before a certificate's expiry at which operators are warned; negative: days after it. */
const STAGES = [-14, -7, -1, 0, 1, 7, 14] as const
export type CertificateStage = (typeof STAGES)[number]
const DAY_MS = 86_400_000
/** A certificate is renewed with a third of its life left: one of six days is well with two. */
const MIN_SHARE = 1 / 6

/** @returns undefined while it is well; 0 and less: it has ended */
export function certificateStage ({ from, to }: CertificateLife, now: number): CertificateStage | undefined {
  const shareDays = (to - from) / DAY_MS * MIN_SHARE
  return STAGES.find((days) => (to - now) / DAY_MS <= days && (days <= 0 || days <= shareDays))
}

/** As a sentence goes on behind "the certificate". */
export function endOf ({ to }: CertificateLife, now: number): string {
  const days = Math.floor(Math.abs(to - now) / DAY_MS)
  const time = days === 0 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`
  return to <= now ? `ended ${time} ago, at ${dateOf(to)}` : `ends in ${time}, at ${dateOf(to)}`
}

const dateOf = (ms: number): string => new Date(ms).toISOString()
