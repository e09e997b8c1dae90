/** What only the people who run a site can do: in English in each language, as their configuration and our docs are. */
export const FOR_THEM = 'For the people who run this site:'

export const MALFORMED: readonly string[] = [
  `${FOR_THEM} an app’s own cookie may have the name of Authgear’s. http.cookie_prefix in the Authgear project and ` +
    'AUTHGEAR_COOKIE_PREFIX here tell them apart.'
]
