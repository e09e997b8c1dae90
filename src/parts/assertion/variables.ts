import { type Kind, parsed, problem, type SettingsOf, type Variables } from '../../base/config/kind.ts'
import { file } from '../../base/config/parsers/files.ts'
import { choice, duration } from '../../base/config/parsers/values.ts'
import { readKeys } from './key.ts'
import { MIN_ROTATION } from './key-set.ts'
import type { AssertionSettings } from './types.ts'

/** The value of `iss`, exactly as it is written: apps compare it character by character. */
const issuer: Kind<string> = Object.freeze({
  accepts: 'an `https://` or `http://` URL without query and fragment',
  parse: (text: string) => {
    if (!/^https?:\/\//.test(text)) {
      return problem('must begin with https:// or http://, such as https://auth.example.com')
    }
    if (!/^[!-~]{1,512}$/.test(text) || /["<>\\^`{|}]/.test(text) || !URL.canParse(text)) {
      return problem('is not a URL of at most 512 characters: check it')
    }
    if (text.includes('@')) return problem('must not carry a user name or password')
    return /[?#]/.test(text) ? problem('must not carry a query or fragment') : parsed(text, text)
  }
})

/** The keys that sign assertions. */
const keyPath: Kind<string> = file({
  accepts: 'the path of a file with private keys (P-256 or Ed25519): PEM, a JWK or a JWK set',
  problemOf: (text) => {
    const content = readKeys(text)
    return content.kind === 'problem' ? `names a file that ${content.problem}` : undefined
  }
})

export const variables = {
  ASSERTION: {
    as: 'assertion',
    kind: choice(['off', 'on', 'ES256', 'EdDSA']),
    fallback: 'off',
    meaning:
      'Whether each 200 carries `x-forward-auth-assertion`, a signed JWT about the user (docs/assertion.md). `on` ' +
        'signs with ES256, or with the key in `ASSERTION_KEY_FILE`.'
  },
  ASSERTION_ISSUER: {
    as: 'issuer',
    kind: issuer,
    derived: 'required with `ASSERTION`',
    example: 'https://auth.example.com',
    meaning:
      'The `iss` of assertions, and their `aud` on routes without `audience=`. Apps compare it exactly; it need not ' +
        'be reachable.'
  },
  ASSERTION_KEY_FILE: {
    as: 'keyFile',
    kind: keyPath,
    derived: 'generated keys, shared through Redis',
    example: '/keys/assertion.pem',
    meaning:
      'Your own keys: the first one signs, all are published. Use one file on all replicas. Reloaded when it ' +
        'changes.'
  },
  ASSERTION_KEY_ROTATION: {
    as: 'rotationMs',
    kind: duration({ min: MIN_ROTATION, max: '365d' }),
    fallback: '30d',
    meaning: 'How long each key signs. Use one value on all replicas.'
  }
} as const satisfies Variables

/** Undefined: it is off. The rules see to it that there is an issuer. */
export function settingsOf (
  { assertion, issuer, keyFile, rotationMs }: SettingsOf<typeof variables>
): AssertionSettings | undefined {
  if (assertion === 'off' || issuer === undefined) return undefined
  return { issuer, keyFile, algorithm: assertion === 'on' ? 'ES256' : assertion, rotationMs }
}
