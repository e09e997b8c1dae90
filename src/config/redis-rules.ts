import { ANY_REDIS, REDIS_FORMS } from './redis-forms.ts'
import type { Readings, Rule } from './rule.ts'
import type { VariableName } from './variables.ts'

const needsRedis = ({ isSet, values }: Readings, name: VariableName): string | false =>
  isSet(name) && values[name] !== false && !REDIS_FORMS.some(isSet) && `${name}: works only with ${ANY_REDIS}: set one of them, or leave this out`

const redisIsWhole: Rule = (readings) => {
  const form = REDIS_FORMS.find(readings.isSet)
  return [
    ...(['REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS', 'REDIS_CA_FILE'] as const).map((name) => needsRedis(readings, name)),
    form !== undefined && !readings.isSet('CACHE_SECRET') &&
      `CACHE_SECRET: is required with ${form}: make one with \`openssl rand -base64 32\`, the same on all replicas (or none, to leave entries in Redis unprotected)`
  ]
}

const isOneForm: Rule = ({ isSet }) => {
  const [first, ...others] = REDIS_FORMS.filter(isSet)
  return others.map((name) => `${name}: is set, but ${first ?? ''} too: a service has one Redis, by one of ${ANY_REDIS}`)
}

const sentinel: Rule = ({ isSet }) => [
  isSet('REDIS_SENTINELS') && !isSet('REDIS_SENTINEL_NAME') && 'REDIS_SENTINEL_NAME: is required with REDIS_SENTINELS: what the Sentinels call the master, such as mymaster',
  ...(['REDIS_SENTINEL_NAME', 'REDIS_SENTINEL_PASSWORD'] as const).map((name) =>
    isSet(name) && !isSet('REDIS_SENTINELS') && `${name}: works only with REDIS_SENTINELS: set that too, or leave this out`)
]

const tls: Rule = ({ isSet, values: { REDIS_URL: url, REDIS_TLS: tls } }) => {
  if (!REDIS_FORMS.some(isSet)) return []
  const isUnread = isSet('REDIS_URL') && url === undefined
  return [
    url?.tls === true && tls === false && 'REDIS_TLS: is false, but REDIS_URL begins with rediss://: leave one of them out',
    isSet('REDIS_CA_FILE') && !isUnread && url?.tls !== true && tls !== true &&
      `REDIS_CA_FILE: works only with TLS: ${isSet('REDIS_URL') ? 'write rediss:// in REDIS_URL, or ' : ''}set REDIS_TLS=true`
  ]
}

const credentials: Rule = ({ isSet, values: { REDIS_URL: url } }) => {
  if (!REDIS_FORMS.some(isSet) || (isSet('REDIS_URL') && url === undefined)) return []
  const username = isSet('REDIS_USERNAME') || url?.username !== undefined
  const password = isSet('REDIS_PASSWORD') || url?.password !== undefined
  return [
    isSet('REDIS_USERNAME') && url?.username !== undefined && 'REDIS_USERNAME: is set, but REDIS_URL names a user too: leave one of them out',
    isSet('REDIS_PASSWORD') && url?.password !== undefined && 'REDIS_PASSWORD: is set, but REDIS_URL carries a password too: leave one of them out',
    username && !password && `REDIS_PASSWORD: is required with a Redis user (REDIS_USERNAME${isSet('REDIS_URL') ? ', or the one in REDIS_URL' : ''})`
  ]
}

/** What the REDIS_* variables ask of each other. */
export const REDIS_RULES: readonly Rule[] = [redisIsWhole, isOneForm, sentinel, tls, credentials]
