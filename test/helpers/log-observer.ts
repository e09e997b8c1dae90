import type { LogObserver } from '../../src/shared/revocation/types.ts'

/** Notes nothing. */
export const NO_OBSERVER: LogObserver = Object.freeze({
  revoked () {},
  lag () {},
  voided () {},
  inauthentic () {},
  foreign () {},
  doubted () {},
  capped () {},
  length () {},
  trouble () {}
})
