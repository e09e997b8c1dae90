import type { Variables } from '../../base/config/kind.ts'
import { listenAddress } from '../../base/config/parsers/hosts.ts'
import { orOff } from '../../base/config/parsers/values.ts'

export const variables = {
  LISTEN_GRPC: {
    as: 'address',
    listens: true,
    kind: orOff(listenAddress),
    fallback: 'off',
    meaning:
      'Where Envoy asks by gRPC (`envoy.service.auth.v3.Authorization`); over TLS wherever `LISTEN_TLS_*` are set. ' +
        'The policy of a route is `context_extensions["policy"]` (docs/proxies/envoy.md). Never an address that a ' +
        'proxy asks by HTTP.'
  }
} as const satisfies Variables
