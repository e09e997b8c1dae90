import { definePart } from '../../base/parts/part.ts'
import { variables } from './variables.ts'

/** Envoy asks by gRPC: another edge of the same decision (docs/proxies/envoy.md). */
export const grpc = definePart({
  name: 'grpc',
  title: 'gRPC',
  variables,
  example: { LISTEN_GRPC: '127.0.0.1:4183' },
  configure: ({ address }) => address === undefined ? undefined : { address },
  claims: ({ address }) => ({ listens: { variable: 'LISTEN_GRPC', address, shown: 'gRPC' } }),
  metrics: () => ({}),
  load: async () => (await import('./open.ts')).openGrpc
})
