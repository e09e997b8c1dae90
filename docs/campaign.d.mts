/** The worst of what was seen in one situation, less what the machine itself stood still. */
export type Measure = {
  /** How often the situation was there. */
  times: number
  /** Milliseconds from the acknowledgement of a revocation to the last request that was still accepted. */
  acceptedMs: number
  /** Acknowledged in the situation. */
  revocations: number
  waitMs: number
  answers: number
  unavailable: number
  /** Calls to Authgear for one new credential. */
  calls: number
  bursts: number
}

export type Run = Readonly<{
  date: string
  seed: number
  seconds: number
  /** Whether the kernel dropped packets too. */
  kernel: boolean
  rounds: number
  requests: number
  violations: number
  measures: Readonly<Record<string, Measure>>
}>

/** @param page docs/reliability.md @param runs docs/campaign.json */
export function withCampaign (page: string, runs: Readonly<Record<string, Run>>): string
