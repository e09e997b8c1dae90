import type { Test } from 'tap'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startBefore, startOneReplica, type Before, type OneReplica } from './one-replica.ts'
import type { Proxy } from './proxy.ts'

/** Authgear ← one replica without Redis ← the proxy under test → the app. */
export type BehindProxyWithoutRedis = Before & OneReplica

export async function startBehindProxyWithoutRedis (
  t: Test,
  proxy: Proxy,
  env: Readonly<Record<string, string>>,
  options: readonly string[] = []
): Promise<BehindProxyWithoutRedis> {
  const replica = await startOneReplica(t, env, { tls: proxy.tls ? makeOwnCert(t) : undefined })
  return { ...replica, ...await startBefore(t, proxy, replica, { options }) }
}
