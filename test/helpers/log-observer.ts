import type { LogObserver } from '../../src/base/revocation/types.ts'

/** Notes nothing. */
export const NO_OBSERVER: LogObserver = Object.freeze({
  revoked () {},
  lag () {},
  adopted () {},
  inauthentic () {},
  foreign () {},
  doubted () {},
  capped () {},
  length () {},
  trouble () {}
})
