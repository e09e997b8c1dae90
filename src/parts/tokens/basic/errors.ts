import { ResolverError } from '../../../base/errors.ts'

/** Authgear's limit of tokens for machines. */
export class TooManyExchanges extends ResolverError {
  override readonly reason = 'exchange_limited'
  readonly check = 'forward_auth_basic_exchanges_total: Authgear issues five tokens a minute for a client and twenty ' +
    'for a project; docs/basic.md says what that means for guesses and for new clients'

  constructor (what: string) { super('TOO_MANY_EXCHANGES', `no token for a client id and secret now: ${what}`) }
}

/** No call was made: clients that were good before go first. */
export class HeldBack extends TooManyExchanges {}

/** A new token that this service would refuse. */
export class UnusableToken extends ResolverError {
  override readonly reason = 'authgear_misconfigured'
  readonly check = 'AUTHGEAR_ENDPOINT, RESOURCE_TOKEN_MAX_AGE and the clocks: run doctor'
  constructor (why: string) { super('UNUSABLE_TOKEN', `Authgear's new token for a client is refused: ${why}`) }
}
