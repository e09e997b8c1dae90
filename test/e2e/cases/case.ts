import type { Test } from 'tap'
import type { Proxy } from '../proxy.ts'
import type { BehindProxy } from '../behind-proxy.ts'

export interface Case {
  /** A sentence. */
  readonly name: string
  /** Left out where it says so. */
  readonly only?: (proxy: Proxy) => boolean
  readonly run: (t: Test, stack: BehindProxy, proxy: Proxy) => Promise<void>
}

/** For `only`: one configuration of each server, no variant of it. */
export const shipped = ({ column }: Proxy): boolean => column !== undefined

/** For `only`: the same, of one server. */
export const shippedBy = (server: string) => (proxy: Proxy): boolean => shipped(proxy) && proxy.server === server
