import type { ServerName } from '../helpers/servers.ts'
import type { Edits } from './template.ts'

/** A proxy under test: how it starts on the shipped files, and in what its documented behaviour differs from the others'. */
export interface Proxy {
  readonly server: ServerName
  /** The folder below deploy/. */
  readonly shipped: string
  readonly args: readonly string[]
  /** Paths changed in the shipped files, beside hosts and ports. */
  readonly paths?: Readonly<Record<string, string>>
  /** What a reader of the documentation writes into the shipped files. */
  readonly edits?: Edits
  /** Does it speak to forward-auth over TLS? */
  readonly tls: boolean
  /** How its file lists several addresses; undefined: it takes one, and a balancer stands for both replicas. */
  readonly between?: string
  readonly facts: Facts
}

export interface Facts {
  /** How it asks forward-auth, whatever the client's method is. */
  readonly methodAtAdapter: 'GET' | 'HEAD'
  /** Status while forward-auth cannot be reached. */
  readonly adapterDown: number
  /** Does a refusal of forward-auth reach the client as it is, body and headers? */
  readonly passesRefusals: boolean
  /** Does the app get a client's header that is none of ours but begins like them (X-Authgear-Foo)? */
  readonly unlistedPasses: boolean
  /** Does `Connection: cookie` hide the cookie from forward-auth, so that the request is refused? */
  readonly connectionHidesCookie: boolean
  /** Paths that the guard does not refuse, because the proxy cleans them: what the app then gets. */
  readonly cleaned: Readonly<Record<string, string>>
  /** Status of a request for a host name that is not ours. */
  readonly otherHost: number
  /** Most new connections to one address of forward-auth while 32 clients ask 500 times; undefined: not bounded. */
  readonly connections?: number
}
