import type { LoginPage } from '../../base/core/reason.ts'
import type { OnPage, PageMaker, Pages } from '../../base/http/pages.ts'
import type { AccountPages } from './account.ts'
import { type Language, readLanguage, WORDS } from './language.ts'
import { createLetterhead, type Fill, type Letterhead, type Sheet } from './letterhead.ts'
import type { PageSettings } from './settings.ts'
import { type Action, wordsOf } from './words.ts'

/** A link leads to a login, or to the page's own address once more. */
type Look = Readonly<{
  drawing: Sheet['drawing']
  link?: Readonly<{ action: Action, to: 'login' | 'again' }>
  hasSessions?: true
}>

const SIGN_IN = { action: 'signIn', to: 'login' } as const
const RETRY = { action: 'tryAgain', to: 'login' } as const

const LOOKS: Readonly<Record<LoginPage, Look>> = {
  state_unknown: { drawing: 'lock', link: SIGN_IN },
  cookies_blocked: { drawing: 'lock', link: RETRY },
  login_denied: { drawing: 'person', link: SIGN_IN },
  login_misconfigured: { drawing: 'lock', link: RETRY },
  login_failed: { drawing: 'clock', link: RETRY },
  cookie_missing: { drawing: 'lock', link: RETRY },
  cookie_unknown: { drawing: 'lock', link: RETRY },
  redirect_loop: { drawing: 'clock', link: RETRY },
  host_unknown: { drawing: 'lock' },
  step_up_refused: { drawing: 'person', link: SIGN_IN },
  step_up_off: { drawing: 'lock' },
  too_many_codes: { drawing: 'clock', link: RETRY },
  session_not_kept: { drawing: 'clock', link: RETRY },
  not_a_page: { drawing: 'lock' },
  cross_site: { drawing: 'lock', link: { action: 'signOut', to: 'again' } },
  login_unavailable: { drawing: 'clock', link: { action: 'tryAgain', to: 'again' } },
  signed_out: { drawing: 'person', link: SIGN_IN, hasSessions: true }
}

type AdviceOf = Parameters<PageMaker['logins']>[0]

export function createLoginPages (
  settings: PageSettings, adviceOf: AdviceOf, account?: AccountPages
): Pages<LoginPage> {
  const letterhead: Letterhead = createLetterhead(settings)
  const prepared = new Map<string, Fill>()
  return Object.freeze({
    headers: letterhead.headers,
    render (page: LoginPage, rawHeaders: readonly string[], on: OnPage) {
      const language = readLanguage(rawHeaders)
      const name = `${language} ${page}`
      const fill = prepared.get(name) ?? letterhead.write(language, sheetOf(page, language, adviceOf, account))
      prepared.set(name, fill)
      return fill(on)
    }
  })
}

function sheetOf (page: LoginPage, language: Language, adviceOf: AdviceOf, account: AccountPages | undefined): Sheet {
  const { drawing, link, hasSessions } = LOOKS[page]
  const { title, message, advice } = wordsOf(WORDS[language], `logins.${page}`)
  return {
    drawing,
    title,
    message,
    advice: [advice],
    forOperators: adviceOf(page),
    links: link === undefined ? [] : [{ action: link.action, href: '', isWay: link.to === 'login' }],
    sessions: hasSessions && account?.sessions
  }
}
