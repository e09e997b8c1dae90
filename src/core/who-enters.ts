/** What an operator with a login must know. @param origin of Authgear */
export const everyoneEnters = (origin: string): string =>
  `everyone who can register at ${origin} can enter where a route has no policy: switch sign-up off there, or give ` +
    'routes a policy (docs/policies.md, "Who may enter"); doctor says whether sign-up is on'
