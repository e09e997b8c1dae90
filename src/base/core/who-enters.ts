type Entrance = Readonly<{
  authgear: Readonly<{ endpoint: Readonly<{ origin: string }> }>
  parts: ReadonlyArray<Readonly<{ signsIn: boolean, saysWhoEnters: boolean, tokenMaxAgeMs: number | undefined }>>
}>

/**
 * The sentence for an operator who lets people in and has not said whom: undefined where nobody signs in by this
 * service or for a resource token.
 */
export function everyoneEnters ({ authgear: { endpoint }, parts }: Entrance): string | undefined {
  const letsPeopleIn = parts.some(({ signsIn, tokenMaxAgeMs }) => signsIn || tokenMaxAgeMs !== undefined)
  if (!letsPeopleIn || parts.some(({ saysWhoEnters }) => saysWhoEnters)) return undefined
  return `everyone who registers at ${endpoint.origin} can open your apps: set ALLOW, for example ALLOW=email_domain=example.com, or ` +
    'ALLOW=anyone if that is what you want (docs/policies.md, "Who may enter")'
}
