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
      'The address that Envoy asks over gRPC (docs/proxies/envoy.md). Uses TLS if `LISTEN_TLS_*` are set. Do not ' +
        'point an HTTP auth request at it.'
  }
} as const satisfies Variables
