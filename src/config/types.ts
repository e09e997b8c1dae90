/** Where a listener listens; port 0 lets the system choose one (tests). */
export type ListenAddress = Readonly<{ kind: 'tcp', host: string, port: number } | { kind: 'unix', path: string }>

/**
 * The project's public origin as Authgear compares it: lower case, no default port. `host` carries a port that is not
 * the default.
 */
export type Endpoint = Readonly<{ origin: string, host: string, scheme: 'http' | 'https' }>

/** An https origin on 443, or an http one of this very machine; `host` has no port. */
export type PublicOrigin = Readonly<{ origin: string, host: string }>

/** A key of Authgear's Admin API as its file says it: PKCS#8 in PEM. A JWK names its id, a PEM does not. */
export type AdminKeyFile = Readonly<{ pem: string, keyId: string | undefined }>

/** One variable as it counts: for `check`, with secrets already masked in `shown`. */
export type Setting = Readonly<{ name: string, shown: string, source: 'default' | 'set' | 'file' }>
