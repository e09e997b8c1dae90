import type { LoginPage } from '../../core/reason.ts'
import { escapeHtml, layOut, type Layout } from './layout.ts'

type Words = Omit<Layout, 'action'> & Readonly<{
  /** What the link says, and where it leads: to a login, or to the page's own address once more. */
  link?: Readonly<{ text: string, to: 'login' | 'again' }>
}>

const CURE = 'If the app sets it, give Authgear’s another name: http.cookie_prefix in the Authgear project, and ' +
  'AUTHGEAR_COOKIE_PREFIX here.'

/** `{cookie}`: the name under which the session is expected. */
const WORDS: Readonly<Record<LoginPage, Words>> = {
  state_unknown: {
    icon: 'lock',
    title: 'This sign-in cannot be continued',
    message: 'It was begun elsewhere, or it is no longer complete.',
    advice: ['Nothing was changed. Begin again from here.'],
    link: { text: 'Sign in', to: 'login' }
  },
  cookies_blocked: {
    icon: 'lock',
    title: 'Your browser keeps no cookie of this site',
    message: 'Signing in needs one, to know that it is still the same browser.',
    advice: ['Allow cookies for this site, then try again.'],
    link: { text: 'Try again', to: 'login' }
  },
  login_denied: {
    icon: 'person',
    title: 'You did not sign in',
    message: 'Signing in was cancelled, or this account may not use this site.',
    advice: ['You can try again, also with another account.'],
    link: { text: 'Sign in', to: 'login' }
  },
  login_misconfigured: {
    icon: 'lock',
    title: 'Signing in is not set up correctly',
    message: 'The sign-in service refused what this site asked of it.',
    advice: [
      'For the people who run this site: the client in Authgear must be of the kind “Cookie SSO” (traditional web ' +
        'application), with this site’s callback among its redirect URIs, and LOGIN_CLIENT_ID must be its id.'
    ],
    link: { text: 'Try again', to: 'login' }
  },
  login_failed: {
    icon: 'clock',
    title: 'Signing in did not work',
    message: 'The sign-in service reported an error.',
    advice: ['Please try again in a moment. If this goes on, tell the people who run this site.'],
    link: { text: 'Try again', to: 'login' }
  },
  cookie_missing: {
    icon: 'lock',
    title: 'Signed in, but this site was not told',
    message: 'The sign-in service knows you, but your browser sent no session to this site.',
    advice: [
      'You did nothing wrong, and signing in again will not help. Please tell the people who run this site.',
      'For them: the cookie “{cookie}” of Authgear did not come here.',
      '1. http.cookie_domain of the project must be a domain that both Authgear’s host and this one belong to; ' +
        'unset, the cookie stays with Authgear’s own host.',
      '2. The client must not suppress it (x_sso_enabled=false, x_suppress_idp_session_cookie=true).',
      '3. AUTHGEAR_COOKIE_PREFIX must be the project’s http.cookie_prefix.'
    ],
    link: { text: 'Try again', to: 'login' }
  },
  cookie_unknown: {
    icon: 'lock',
    title: 'Signed in, but your session was not recognised',
    message: 'Your browser sent a session that the sign-in service does not know.',
    advice: [
      'Delete the cookies of this site in your browser, then try again. If that does not help, tell the people who ' +
        'run this site.',
      'For them: another cookie “{cookie}”, an older one of this host alone or the app’s own, may stand before ' +
        `Authgear’s. ${CURE} Or AUTHGEAR_ENDPOINT and AUTHGEAR_RESOLVER_URL are not of the same project.`
    ],
    link: { text: 'Try again', to: 'login' }
  },
  redirect_loop: {
    icon: 'clock',
    title: 'Signing in goes round in circles',
    message: 'You are signed in, but the page that you want keeps sending you here, so this was stopped.',
    advice: [
      'Delete the cookies of this site in your browser, then try again.',
      'For the people who run this site: http.cookie_domain of the Authgear project must cover the host of that page ' +
        'too, and a max_age in its policy must leave time to sign in.',
      `Or the app sets a cookie “{cookie}” of its own, which is read in place of Authgear’s. ${CURE}`
    ],
    link: { text: 'Try again', to: 'login' }
  },
  host_unknown: {
    icon: 'lock',
    title: 'Nobody can sign in at this address',
    message: 'This site is not set up for signing in at the address that your browser shows.',
    advice: [
      'Please tell the people who run this site, or open it by its usual address.',
      'For them: LOGIN_PUBLIC_URL must name this origin; the proxy must send X-Forwarded-Host, and its address must ' +
        'be one of TRUSTED_PROXIES.'
    ]
  },
  step_up_refused: {
    icon: 'person',
    title: 'That was not confirmed',
    message: 'The page that you want needs the person who is signed in here to confirm that it is them.',
    advice: ['Nothing was changed. Sign in as the same person, and try again.'],
    link: { text: 'Sign in', to: 'login' }
  },
  too_many_codes: {
    icon: 'clock',
    title: 'Too many attempts',
    message: 'Signing in was tried too often from here within a minute.',
    advice: ['Please wait a minute, then begin again.'],
    link: { text: 'Begin again', to: 'login' }
  },
  session_not_kept: {
    icon: 'clock',
    title: 'Temporarily unavailable',
    message: 'This could not be finished right now, so nothing was changed.',
    advice: ['Nothing is wrong with your account. Please try again in a moment.'],
    link: { text: 'Try again', to: 'login' }
  },
  not_a_page: {
    icon: 'lock',
    title: 'Open this as a page of its own',
    message: 'Signing in and out is not possible inside another page, or ahead of time.',
    advice: ['Open this address in a tab of its own.']
  },
  cross_site: {
    icon: 'lock',
    title: 'Do you want to sign out?',
    message: 'Another site sent you here, so nothing was done yet.',
    advice: ['If you do not want to sign out, just leave this page.'],
    link: { text: 'Sign out', to: 'again' }
  },
  login_unavailable: {
    icon: 'clock',
    title: 'Temporarily unavailable',
    message: 'Your sign-in cannot be checked right now.',
    advice: ['Nothing is wrong with your account. Please try again in a moment.'],
    link: { text: 'Try again', to: 'again' }
  },
  signed_out: {
    icon: 'person',
    title: 'You are signed out',
    message: 'You can close this page.',
    advice: ['On a computer that others use too, close the browser as well.'],
    link: { text: 'Sign in', to: 'login' }
  }
}

/** Where the session is this service's own. */
const OWN_WORDS: Readonly<Partial<Record<LoginPage, Words>>> = {
  login_misconfigured: {
    ...WORDS.login_misconfigured,
    advice: [
      'For the people who run this site: LOGIN_CLIENT_ID must name a client of the kind “traditional web ' +
        'application” or “single-page application”, with this site’s callback among its redirect URIs.'
    ]
  },
  redirect_loop: {
    ...WORDS.redirect_loop,
    advice: [
      'Delete the cookies of this site in your browser, then try again.',
      'For the people who run this site: the proxy must pass the cookie “{cookie}” on and send X-Forwarded-Host, and ' +
        'a max_age in the page’s policy must leave time to sign in.'
    ]
  }
}

export type RenderLoginPage = (page: LoginPage, on: Readonly<{ reference: string, login: string }>) => string

/**
 * @returns `login` and `reference` are all that a page has of its request: an address that was validated, and the
 * request's id
 */
export function createLoginPages (cookie: string, session: 'authgear' | 'own' = 'authgear'): RenderLoginPage {
  const words = session === 'own' ? { ...WORDS, ...OWN_WORDS } : WORDS
  return (page, { reference, login }) => {
    const { link, advice, ...rest } = words[page]
    const action =
      link === undefined
        ? ''
        : `<a href="${link.to === 'again' ? '' : escapeHtml(login)}">${escapeHtml(link.text)}</a>\n`
    const lines = advice.map((text) => text.replace('{cookie}', () => cookie))
    const [head, foot] = layOut({ ...rest, advice: lines, action })
    return head + escapeHtml(reference) + foot
  }
}
