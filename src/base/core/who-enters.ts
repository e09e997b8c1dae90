type Entrance = Readonly<{
  authgear: Readonly<{ endpoint: Readonly<{ origin: string }> }>
  parts: ReadonlyArray<Readonly<{
    claims: Readonly<{ signsIn?: boolean, saysWhoEnters?: boolean, tokenMaxAgeMs?: number }>
  }>>
}>

/**
 * The warning for an operator who enabled sign-in without saying who may enter; undefined if neither users nor
 * resource tokens sign in here.
 */
export function everyoneEnters ({ authgear: { endpoint }, parts }: Entrance): string | undefined {
  const letsPeopleIn = parts.some(({ claims }) => claims.signsIn === true || claims.tokenMaxAgeMs !== undefined)
  if (!letsPeopleIn || parts.some(({ claims }) => claims.saysWhoEnters === true)) return undefined
  return `everyone who registers at ${endpoint.origin} can open your apps: set ALLOW, for example ALLOW=email_domain=example.com, or ` +
    'ALLOW=anyone if that is what you want (docs/policies.md, "Who may enter")'
}
