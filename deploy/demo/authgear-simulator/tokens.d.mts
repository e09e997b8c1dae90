/** An unsigned look-alike of Authgear's JWT access tokens: right form, a signature that says it is none. */
export function demoJwt (claims: { readonly sub: string, readonly aud: string, readonly exp: number, readonly jti?: string }): string

/** Payload of a JWT access token (`typ: at+jwt`), or undefined where it is none. */
export function readJwt (token: string): { readonly aud: unknown, readonly exp: unknown } | undefined
export function randomOpaque (): string
export function randomSessionCookie (): string
