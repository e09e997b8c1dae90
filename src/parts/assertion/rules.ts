import { meantOnlyWith } from '../../base/config/kind.ts'
import type { Rule } from '../../base/parts/part.ts'
import { readKeys } from './key.ts'
import type { variables } from './variables.ts'

type OwnRule = Rule<typeof variables>

const BESIDE = ['ASSERTION_ISSUER', 'ASSERTION_KEY_FILE', 'ASSERTION_KEY_ROTATION'] as const
const KINDS = { ES256: 'a P-256 key', EdDSA: 'an Ed25519 key' } as const

const isWhole: OwnRule = (readings) => {
  const { isSet, base, values: { ASSERTION: assertion } } = readings
  if (assertion === undefined) return []
  if (assertion === 'off') return meantOnlyWith('ASSERTION=on', BESIDE, readings)
  return [
    !isSet('ASSERTION_ISSUER') &&
      `ASSERTION_ISSUER: is required with ASSERTION=${assertion}: what apps compare \`iss\` with, such as ` +
        'https://auth.example.com',
    base.hasRedis &&
      !base.isSealed &&
      !isSet('ASSERTION_KEY_FILE') &&
      'ASSERTION: keeps what its keys are made from in Redis, where CACHE_SECRET=none protects nothing: set ' +
        'CACHE_SECRET, or give the key as ASSERTION_KEY_FILE'
  ]
}

const keyFits: OwnRule = ({ values, base: { readFile } }) => {
  const { ASSERTION: algorithm, ASSERTION_KEY_FILE: path } = values
  if (path === undefined || (algorithm !== 'ES256' && algorithm !== 'EdDSA')) return []
  const content = readKeys(readFile(path))
  const isOther = content.kind === 'keys' && content.keys[0]?.signing.algorithm !== algorithm
  return [isOther && `ASSERTION_KEY_FILE: does not begin with ${KINDS[algorithm]}, which ASSERTION=${algorithm} ` +
    'takes: write ASSERTION=on, or give another key']
}

export const rules = [isWhole, keyFits]

const keys: OwnRule = ({ isSet, base: { hasRedis }, values: { ASSERTION: assertion } }) => [
  isSet('ASSERTION_KEY_FILE') &&
    isSet('ASSERTION_KEY_ROTATION') &&
    'ASSERTION_KEY_ROTATION: has no effect with ASSERTION_KEY_FILE: rotate the file (docs/assertion.md)',
  assertion !== undefined &&
    assertion !== 'off' &&
    !isSet('ASSERTION_KEY_FILE') &&
    !hasRedis &&
    'ASSERTION: without Redis each start makes new keys: run exactly one replica, or set ASSERTION_KEY_FILE'
]

export const warnings = [keys]
