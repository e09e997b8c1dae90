import type { Words } from './words.ts'

const TELL = 'Please tell the people who run this site.'
const GOES_ON = 'If this goes on for more than a few minutes, tell the people who run this site.'
const DELETE_COOKIES =
  'Delete the cookies of this site in your browser first. If that does not help, tell the people who run this site.'
const UNAVAILABLE = {
  title: 'Temporarily unavailable',
  message: 'Your sign-in cannot be checked right now. Nothing is wrong with your account.',
  advice: GOES_ON
}

export const en: Words = {
  reference: 'Reference:',
  signedInAs: 'You are signed in as {account}.',
  missing: 'What is missing: {name}.',
  actions: {
    signIn: 'Sign in',
    tryAgain: 'Try again',
    changeUser: 'Sign in as somebody else',
    signOut: 'Sign out',
    getHelp: 'Get help'
  },
  askHow:
    'If you do not know how to sign in, ask the people who run this site, or the person who gave you its ' +
      'address.',
  refusals: {
    not_signed_in: { title: 'You are not signed in', message: 'This page is only for people who are signed in.' },
    session_ended: {
      title: 'Your session has ended',
      message: 'Sessions end after some time, or when you sign out on another device.'
    },
    unreadable: {
      title: 'Your sign-in could not be read',
      message: 'Your browser sent something that cannot be a sign-in.',
      advice: 'If signing in again does not help, delete the cookies of this site in your browser.'
    },
    ambiguous: {
      title: 'Your sign-in could not be read',
      message: 'More than one sign-in was sent, so none was used.',
      advice: 'A browser extension that adds headers may be the cause. Turn it off first.'
    },
    wrong_audience: {
      title: 'This sign-in is for another service',
      message: 'Your browser sent a sign-in that is not meant for this site.',
      advice: 'Delete the cookies of this site in your browser first.'
    },
    client_blocked: {
      title: 'This app is blocked here',
      message: 'The app that sent this access token may not be used here.',
      advice: TELL
    },
    step_up: {
      title: 'Please confirm that it is you',
      message: 'For your safety, this page needs a recent or a stronger sign-in.'
    },
    forbidden: {
      title: 'No access with this account',
      message: 'This account may not open this page.',
      advice: 'If you think that it should, ask the people who run this site, or the person who gave you its address.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'This sign-in cannot be continued',
      message: 'It was begun elsewhere, or it is no longer complete. Nothing was changed.'
    },
    cookies_blocked: {
      title: 'Your browser keeps no cookie of this site',
      message: 'Signing in needs one, to know that it is still the same browser.',
      advice: 'Allow cookies for this site first.'
    },
    login_denied: {
      title: 'You did not sign in',
      message: 'Signing in was cancelled, or this account may not use this site.'
    },
    login_misconfigured: {
      title: 'Signing in is not set up correctly',
      message: 'The sign-in service refused what this site asked of it.',
      advice: TELL
    },
    login_failed: {
      title: 'Signing in did not work',
      message: 'The sign-in service reported an error.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'Signed in, but this site was not told',
      message: 'The sign-in service knows you, but your browser sent no session to this site.',
      advice: `You did nothing wrong, and signing in again will not help. ${TELL}`
    },
    cookie_unknown: {
      title: 'Signed in, but your session was not recognised',
      message: 'Your browser sent a session that the sign-in service does not know.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'Signing in goes round in circles',
      message: 'You are signed in, but the page that you want keeps sending you here, so this was stopped.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'Nobody can sign in at this address',
      message: 'This site is not set up for signing in at the address that your browser shows.',
      advice: 'Open it by its usual address, or tell the people who run it.'
    },
    step_up_refused: {
      title: 'That was not confirmed',
      message:
        'The page that you want needs the person who is signed in here to confirm that it is them. Other apps in ' +
          'this browser may ask you to sign in again.',
      advice: 'Please sign in again with the same account.'
    },
    step_up_off: {
      title: 'This page needs a newer sign-in',
      message:
        'The page that you want needs you to confirm that it is you, and this site cannot ask you for that. You ' +
          'are still signed in.',
      advice: TELL
    },
    too_many_codes: {
      title: 'Too many attempts',
      message: 'Signing in was tried too often from here within a minute.',
      advice: 'Please wait a minute first.'
    },
    session_not_kept: {
      title: 'Temporarily unavailable',
      message: 'This could not be finished right now. Nothing is wrong with your account.'
    },
    not_a_page: {
      title: 'Open this as a page of its own',
      message: 'Signing in and out is not possible inside another page, or ahead of time.',
      advice: 'Open this address in a tab of its own.'
    },
    cross_site: {
      title: 'Do you want to sign out?',
      message: 'Another site sent you here, so nothing was done yet.',
      advice: 'If you want to stay signed in, just leave this page.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'You are signed out',
      message: 'You can close this page.',
      advice: 'On a computer that others use too, close the browser as well.'
    }
  }
}
