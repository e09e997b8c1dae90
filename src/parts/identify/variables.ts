import type { Variables } from '../../base/config/kind.ts'
import { listenAddress } from '../../base/config/parsers/hosts.ts'
import { orOff } from '../../base/config/parsers/values.ts'

export const variables = {
  IDENTIFY_LISTEN: {
    as: 'address',
    listens: true,
    kind: orOff(listenAddress),
    fallback: 'off',
    meaning:
      'The address of `/identify`, for public pages that greet signed-in users. Never use it to protect anything.'
  }
} as const satisfies Variables
