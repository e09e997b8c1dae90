import { type RefusalReason, REFUSALS } from '../../base/core/reason.ts'
import { FOR_THEM, NO_LINKS, type OnPage, type PageLinks, type Pages } from '../../base/http/pages.ts'
import type { AccountPages } from './account.ts'
import { readLanguage, WORDS } from './language.ts'
import { createLetterhead, type Fill, type Letterhead, type Sheet } from './letterhead.ts'
import { type PageSettings, PLAIN } from './settings.ts'
import { type Action, type RefusalPageName, type Words, wordsOf } from './words.ts'

/** Reasons that a person cannot tell apart, and need not, have one page. */
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
  exchange_limited: 'unavailable',
  record_unavailable: 'unavailable'
}

const DRAWING = { 401: 'person', 403: 'lock', 503: 'clock' } as const

const MALFORMED: readonly string[] = [
  `${FOR_THEM} an app’s own cookie may have the name of Authgear’s. http.cookie_prefix in the Authgear project and ` +
    'AUTHGEAR_COOKIE_PREFIX here tell them apart.'
]

/** Pages of refusals: all but what stands in `OnPage` is prepared once. */
export function createPages (
  settings: PageSettings = PLAIN, links: PageLinks = NO_LINKS, account?: AccountPages
): Pages<RefusalReason> {
  const letterhead: Letterhead = createLetterhead(settings)
  const prepared = new Map<string, Fill>()
  return Object.freeze({
    headers: letterhead.headers,
    render (reason: RefusalReason, rawHeaders: readonly string[], on: OnPage): string {
      const language = readLanguage(rawHeaders)
      const name = `${language} ${reason} ${on.lack} ${on.isNowhere}`
      const sheet = (): Sheet => sheetOf(reason, on, WORDS[language], settings, { ...links, account })
      const fill = prepared.get(name) ?? letterhead.write(language, sheet())
      prepared.set(name, fill)
      return fill(on)
    }
  })
}

type Links = PageLinks & Readonly<{ account: AccountPages | undefined }>

function sheetOf (
  reason: RefusalReason, { lack, isNowhere }: Pick<OnPage, 'lack' | 'isNowhere'>, words: Words,
  settings: PageSettings, links: Links
): Sheet {
  const { status } = REFUSALS[reason]
  const page = PAGE_OF[reason]
  const { title, message, advice } = wordsOf(words, `refusals.${page}`)
  const common = { drawing: DRAWING[status], title, message, forOperators: page === 'unreadable' ? MALFORMED : [] }
  const again = { action: 'tryAgain', href: '' } as const
  if (status === 403) {
    const { deniedText, supportUrl } = settings
    const isTold = deniedText !== undefined || supportUrl !== undefined
    const isUnverified = lack === 'verified_address'
    return {
      ...common,
      message: lack === undefined ? message : words[`lacks.${lack}`],
      own: deniedText,
      advice: [isUnverified ? words['lacks.verified_address.advice'] : undefined, isTold ? undefined : advice],
      links: [
        ...linkTo('openAccount', isUnverified ? links.account?.settings : undefined),
        // a sign-in on Authgear's pages counts at once, where a silent one does not
        ...linkTo(isUnverified ? 'signInAgain' : 'changeUser', links.changeUser, true)
      ],
      // the account's settings lead there, too
      sessions: isUnverified ? undefined : links.account?.sessions
    }
  }
  if (status === 503 || !isMended(page)) return { ...common, advice: [advice], links: [again] }
  if (isNowhere) {
    const { message, advice } = wordsOf(words, 'logins.host_unknown')
    return { ...common, message, advice: [advice], links: [again] }
  }
  return links.signIn === undefined
    ? { ...common, advice: [advice, words.askHow], links: [again] }
    : { ...common, advice: [advice], links: [{ action: 'signIn', href: links.signIn, isWay: true }, again] }
}

const linkTo = (action: Action, href: string | undefined, isWay = false): Sheet['links'] =>
  href === undefined ? [] : [{ action, href, isWay }]

/** Signing in again does not help against a browser extension or a block. */
const isMended = (page: RefusalPageName): boolean => page !== 'ambiguous' && page !== 'client_blocked'
