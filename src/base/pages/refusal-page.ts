import { type RefusalReason, REFUSALS } from '../core/reason.ts'
import { type Language, WORDS } from './language.ts'
import { createLetterhead, type Fill, type Letterhead, type OnSheet, type Sheet } from './letterhead.ts'
import { MALFORMED } from './operators.ts'
import { type PageSettings, PLAIN } from './settings.ts'
import { type RefusalPageName, type Words, wordsOf } from './words.ts'

/** What a person cannot tell apart, and need not, is one page. */
const PAGE_OF: Readonly<Record<RefusalReason, RefusalPageName>> = {
  no_credentials: 'not_signed_in',
  malformed_credentials: 'unreadable',
  ambiguous_credentials: 'ambiguous',
  expired_credentials: 'session_ended',
  invalid_session: 'session_ended',
  wrong_audience: 'wrong_audience',
  client_blocked: 'client_blocked',
  step_up_required: 'step_up',
  forbidden: 'forbidden',
  bad_policy: 'forbidden',
  insufficient_scope: 'forbidden',
  wrong_client: 'forbidden',
  authgear_unavailable: 'unavailable',
  authgear_misconfigured: 'unavailable',
  overloaded: 'unavailable',
  record_unavailable: 'unavailable'
}

const DRAWING = { 401: 'person', 403: 'lock', 503: 'clock' } as const

/** Where people sign in, and where as somebody else; undefined where nobody has said so. */
export type PageLinks = Readonly<{ signIn: string | undefined, changeUser: string | undefined }>

export const NO_LINKS: PageLinks = Object.freeze({ signIn: undefined, changeUser: undefined })

/** A refusal for a person: all but what stands in `OnSheet` is prepared once. */
export type RefusalPages = Readonly<{
  headers: readonly string[]
  render: (reason: RefusalReason, language: Language, on: OnSheet) => string
}>

export function createPages (settings: PageSettings = PLAIN, links: PageLinks = NO_LINKS): RefusalPages {
  const letterhead: Letterhead = createLetterhead(settings)
  const prepared = new Map<string, Fill>()
  return Object.freeze({
    headers: letterhead.headers,
    render (reason: RefusalReason, language: Language, on: OnSheet): string {
      const name = `${language} ${reason}`
      const fill = prepared.get(name) ?? letterhead.write(language, sheetOf(reason, WORDS[language], settings, links))
      prepared.set(name, fill)
      return fill(on)
    }
  })
}

function sheetOf (reason: RefusalReason, words: Words, settings: PageSettings, links: PageLinks): Sheet {
  const { status } = REFUSALS[reason]
  const page = PAGE_OF[reason]
  const { title, message, advice } = wordsOf(words, `refusals.${page}`)
  const common = { drawing: DRAWING[status], title, message, forOperators: page === 'unreadable' ? MALFORMED : [] }
  const again = { action: 'tryAgain', href: '' } as const
  if (status === 403) {
    const { deniedText, supportUrl } = settings
    const isTold = deniedText !== undefined || supportUrl !== undefined
    return {
      ...common,
      own: deniedText,
      advice: [isTold ? undefined : advice],
      links: links.changeUser === undefined ? [] : [{ action: 'changeUser', href: links.changeUser, isWay: true }]
    }
  }
  if (status === 503 || !isMended(page)) return { ...common, advice: [advice], links: [again] }
  return links.signIn === undefined
    ? { ...common, advice: [advice, words.askHow], links: [again] }
    : { ...common, advice: [advice], links: [{ action: 'signIn', href: links.signIn, isWay: true }, again] }
}

/** Nobody's sign-in mends what a browser extension adds, or a block. */
const isMended = (page: RefusalPageName): boolean => page !== 'ambiguous' && page !== 'client_blocked'
