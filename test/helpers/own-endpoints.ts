import type { Test } from 'tap'
import { grpcClient, linesOf } from './grpc.ts'
import { whoIn, type OwnWorld } from './own-session-world.ts'

/** Whom a request of a browser is let in as where Envoy asks by gRPC. */
export async function overGrpcAsked (
  t: Test,
  world: OwnWorld,
  { cookie, host }: Readonly<{ cookie: string, host: string }>
): Promise<string> {
  const client = grpcClient(t, world.replicas[0]?.grpcPort ?? 0)
  const { ok_response: ok, denied_response: denied } = await client.check({
    request: { http: { method: 'GET', host, path: '/', headers: { cookie } } }
  })
  return whoIn({ status: ok === undefined ? denied?.status.code ?? 0 : 200, headers: linesOf(ok?.headers ?? []) })
}
