/** Where the simulator does not do what a real Authgear does. */
export interface Difference {
  readonly area: string
  readonly name: string
  /** What the simulator says instead. */
  readonly simulated: string
  readonly why: string
}

/** Each is a case of the suite, which fails where one differs no more. */
export const DIFFERENCES: readonly Difference[] = [
  {
    area: 'admin-api',
    name: 'types in all',
    simulated: '136',
    why: 'it knows the seven types about dynamic clients that Authgear has since September 2026'
  },
  {
    area: 'resolver',
    name: 'third party: its access token',
    simulated: '200 session-valid false',
    why: 'releases since September 2026 refuse it, as their specification says: to take it is the mistake to find'
  }
]
