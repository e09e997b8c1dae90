import type { LoginPage } from '../../../core/reason.ts'

/** What a refusal can look like to a person; several reasons share one. */
export type RefusalPageName =
  | 'not_signed_in'
  | 'session_ended'
  | 'unreadable'
  | 'ambiguous'
  | 'wrong_audience'
  | 'client_blocked'
  | 'step_up'
  | 'forbidden'
  | 'unavailable'

type Said = Readonly<{
  title: string
  /** What happened. */
  message: string
}>

/** With what the person can do, beyond pressing a button. */
type Advised = Said & Readonly<{ advice: string }>

type Pages<Name extends string, WithAdvice extends Name> =
  Readonly<Record<WithAdvice, Advised> & Record<Exclude<Name, WithAdvice>, Said>>

export type Action = 'signIn' | 'tryAgain' | 'changeUser' | 'signOut' | 'getHelp'

/** A text with a place for what only the request knows. */
type WithPlace<Place extends string> = `${string}{${Place}}${string}`

/** All that pages say in one language: what is missing does not compile. */
export type Words = Readonly<{
  /** In front of the request's id. */
  reference: string
  signedInAs: WithPlace<'account'>
  /** The name of what a policy guards. */
  missing: WithPlace<'name'>
  actions: Readonly<Record<Action, string>>
  /** For somebody who has no way in. */
  askHow: string
  refusals: Pages<
    RefusalPageName, 'unreadable' | 'ambiguous' | 'wrong_audience' | 'client_blocked' | 'forbidden' | 'unavailable'
  >
  logins: Pages<
    LoginPage, Exclude<LoginPage, 'state_unknown' | 'login_denied' | 'session_not_kept'>
  >
}>
