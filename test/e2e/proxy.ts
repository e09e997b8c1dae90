import type { ServerName } from '../helpers/servers.ts'

/**
 * A proxy under test: how it starts on what `snippet` writes, and in what its documented behaviour differs from the
 * others'.
 */
export interface Proxy {
  readonly server: ServerName
  /** The name that `snippet` knows it by. */
  readonly snippet: string
  /** Its column in docs/proxies/README.md; undefined: a variant, which has none. */
  readonly column?: string
  readonly args: readonly string[]
  /** What a reader of the documentation writes into the files, by file. */
  readonly edits?: Edits
  /** Does it speak to forward-auth over TLS? */
  readonly tls: boolean
  /** Does it ask by gRPC? */
  readonly grpc?: true
  /** How its file lists several addresses; undefined: it takes one, and a balancer stands for both replicas. */
  readonly between?: string
  readonly facts: Facts
}

export type Edits = Readonly<Record<string, (written: string) => string>>

export interface Facts {
  /** How it asks forward-auth; `client`: by the client's own method. */
  readonly methodAtAdapter: 'GET' | 'HEAD' | 'client'
  /** What it asks for, whatever the client asks for. */
  readonly urlAtAdapter: RegExp
  /** Does it give the request an id of its own, whatever the client's is? */
  readonly ownRequestId: boolean
  /** Status while forward-auth cannot be reached. */
  readonly adapterDown: number
  /** Status when forward-auth hangs; undefined: only after 30 s, too long for a test. */
  readonly adapterHangs: number | undefined
  /** Seconds for which it waits for one that hangs. */
  readonly hangSeconds: number
  /** Does a refusal of forward-auth reach the client as it is, body and headers? */
  readonly passesRefusals: boolean
  /** Does the app get a client's header that is none of ours but begins like them (X-Authgear-Foo)? */
  readonly unlistedPasses: boolean
  /** Is the session of our own, __Host-forward-auth, taken out of the cookies that the app gets? */
  readonly hidesOwnCookie: boolean
  /** Does `Connection: cookie` hide the cookie from forward-auth, so that the request is refused? */
  readonly connectionHidesCookie: boolean
  /** Status of a request whose Connection header names X-Forwarded-For. */
  readonly connectionNamesForwarded: number
  /** Paths that the guard does not refuse, because the proxy cleans them: what the app then gets. */
  readonly cleaned: Readonly<Record<string, string>>
  /** Is an escaped letter (`/%61dmin`) refused, since no route would be found for it? */
  readonly refusesEscapedLetters: boolean
  /** Status of a request for a host name that is not ours. */
  readonly otherHost: number
  /** Status of a request with two Authorization lines. */
  readonly twoAuthorizations: number
  /** Does the app see which trailers a client announces (never their values)? */
  readonly announcesTrailers: boolean
  /** Does it drop all Upgrade lines but the first before any rule sees them? */
  readonly firstUpgradeOnly: boolean
  /** Most new connections to one address of forward-auth while 32 clients ask 500 times; undefined: not bounded. */
  readonly connections?: number
}
