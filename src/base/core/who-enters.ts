/** The sentence that an operator with a login must read. @param origin of Authgear */
export const everyoneEnters = (origin: string): string =>
  `run doctor to find out whether anyone can register at ${origin}: everyone who is signed in can enter where a route ` +
    'has no policy (docs/policies.md, "Who may enter")'
