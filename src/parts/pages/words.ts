import type { LoginPage } from '../../base/core/reason.ts'
import type en from './words/en.json'

/** All texts of one language. English has every key; a language that lacks one does not compile. */
export type Words = Readonly<Record<keyof typeof en, string>>

/** The pages of refusals; several reasons share one. */
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

export type Action =
  | 'signIn' | 'signInAgain' | 'openAccount' | 'openSessions' | 'tryAgain' | 'changeUser' | 'signOut' | 'getHelp'

/** The texts of one page. `advice`: what the person can do, beyond pressing a button. */
type PageWords = Readonly<{ title: string, message: string, advice: string | undefined }>

export function wordsOf (words: Words, page: `refusals.${RefusalPageName}` | `logins.${LoginPage}`): PageWords {
  const all: Words & Readonly<Partial<Record<string, string>>> = words
  return { title: words[`${page}.title`], message: words[`${page}.message`], advice: all[`${page}.advice`] }
}
