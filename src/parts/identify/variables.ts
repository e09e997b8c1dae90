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
      'Where `/identify` is served, for pages that greet those who are signed in and let everybody in. Never the ' +
        'address that protects anything.'
  }
} as const satisfies Variables
