import { type RefusalReason, REFUSALS, type RefusalStatus } from '../../core/reason.ts'
import { escapeHtml, type ICONS, layOut, PAGE_HEADERS } from './layout.ts'

/** What a page says around the one sentence of the refusal. */
type Words = Readonly<{
  /** What happened; heading and title. */
  title: string
  /** What the person can do. */
  advice: string
}>

const BY_STATUS: Readonly<Record<RefusalStatus, Words>> = {
  401: {
    title: 'You are not signed in',
    advice: 'Sign in the way you usually do for this site, then come back to this page.'
  },
  403: {
    title: 'No access with this account',
    advice:
      'This page is not open to the account that you are using. If you think that it should be, ask the people who ' +
        'run this site, or whoever gave you its address.'
  },
  503: {
    title: 'Temporarily unavailable',
    advice:
      'Nothing is wrong with your account. If this goes on for more than a few minutes, tell the people who run this ' +
        'site.'
  }
}

const ENDED: Words = {
  title: 'Your session has ended',
  advice:
    'Sessions end after some time, or when you sign out on another device. Once you have signed in, come back to ' +
      'this page.'
}

const BY_REASON: Readonly<Partial<Record<RefusalReason, Words>>> = {
  expired_credentials: ENDED,
  invalid_session: ENDED,
  malformed_credentials: {
    title: 'Your sign-in could not be read',
    advice:
      'If signing in again does not help, delete the cookies of this site in your browser first. For the people who ' +
        'run this site: an app’s own cookie may have the name of Authgear’s; http.cookie_prefix in the Authgear ' +
        'project and AUTHGEAR_COOKIE_PREFIX here tell them apart.'
  },
  ambiguous_credentials: {
    title: 'Your sign-in could not be read',
    advice: 'A browser extension that adds headers may be the cause: turn it off, then try again.'
  },
  wrong_audience: {
    title: 'This sign-in is for another service',
    advice: 'Delete the cookies of this site in your browser, then sign in again.'
  },
  step_up_required: {
    title: 'Please confirm that it is you',
    advice:
      'For your safety, this page needs a recent or a stronger sign-in. Once you have signed in again, come back to ' +
        'this page.'
  }
}

function wordsOf (reason: RefusalReason, status: RefusalStatus): Words {
  return BY_REASON[reason] ?? BY_STATUS[status]
}

/** A refusal for a person: all but the reference is prepared once. */
export type RefusalPage = Readonly<{
  /** Name, value, …; those of the page itself, without length, caching or reason. */
  headers: readonly string[]
  /**
   * @param reference the request id, which is also in the log
   * @param way where its link leads, in place of the configured address: of the request only what was validated
   */
  render: (reference: string, way?: string) => string
}>

const ICON = { 401: 'person', 403: 'lock', 503: 'clock' } as const satisfies Readonly<
  Record<RefusalStatus, keyof typeof ICONS>
>

/** Where people sign in, and where as somebody else; undefined where nobody has said so. */
export type PageLinks = Readonly<{ signIn: string | undefined, changeUser: string | undefined }>

export const NO_LINKS: PageLinks = Object.freeze({ signIn: undefined, changeUser: undefined })

/** An empty address is the page's own: asked for again without a script, and without the address on the page. */
const AGAIN = link('', 'Try again')

function link (href: string, text: string): string {
  return `<a href="${escapeHtml(href)}">${text}</a>\n`
}

const ASK = 'If you do not know how, ask the people who run this site, or whoever gave you its address.'

export function createPages (links: PageLinks = NO_LINKS): (reason: RefusalReason) => RefusalPage {
  const pages = new Map<RefusalReason, RefusalPage>()
  for (const reason of Object.keys(REFUSALS) as RefusalReason[]) pages.set(reason, preparePage(reason, links))
  return (reason) => pages.get(reason) ?? preparePage(reason, links)
}

/** Nobody's sign-in mends what a browser extension adds. */
const isMended = (reason: RefusalReason): boolean => reason !== 'ambiguous_credentials'

type WayOn = Readonly<{ advice: readonly string[], action: string }>

/** What a person can do: sign in, or be told whom to ask. */
function wayOnOf (reason: RefusalReason, links: PageLinks): WayOn {
  const { status } = REFUSALS[reason]
  const { advice } = wordsOf(reason, status)
  if (status === 403) {
    const action = links.changeUser === undefined ? '' : link(links.changeUser, 'Sign in as somebody else')
    return { advice: [advice], action }
  }
  if (status === 503 || !isMended(reason)) return { advice: [advice], action: AGAIN }
  return links.signIn === undefined
    ? { advice: [advice, ASK], action: AGAIN }
    : { advice: [advice], action: link(links.signIn, 'Sign in') + AGAIN }
}

function preparePage (reason: RefusalReason, links: PageLinks): RefusalPage {
  const { status, message } = REFUSALS[reason]
  const { title } = wordsOf(reason, status)
  const [head, foot] = layOut({ icon: ICON[status], title, message, ...wayOnOf(reason, links) })
  // of two links the first is the way on
  const [before = '', href = '', after = ''] = head.split(/(<a href="[^"]+")/, 3)
  return Object.freeze({
    headers: PAGE_HEADERS,
    render: (reference: string, way?: string) =>
      before + (way === undefined || href === '' ? href : `<a href="${escapeHtml(way)}"`) + after +
        escapeHtml(reference) + foot
  })
}
