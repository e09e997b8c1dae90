import { createAssertions } from '../shared/assertion/assertions.ts'
import { createKeySetResponse, jwksRoute } from '../shared/assertion/jwks.ts'
import { keySetOf, openKeyFile } from '../shared/assertion/key-file.ts'
import type { PrivateKey } from '../shared/assertion/key.ts'
import { createKeyRing, type KeyRing } from '../shared/assertion/key-ring.ts'
import { extended, type KeySet, MIN_ROTATION_MS } from '../shared/assertion/key-set.ts'
import { createKeyStore, startKeySync } from '../shared/assertion/shared-keys.ts'
import type { Assertions, AssertionSettings } from '../shared/assertion/types.ts'
import { systemClock, type Clock } from '../clock.ts'
import type { Route } from '../request/http/paths.ts'
import type { HttpResponse } from '../request/http/types.ts'
import { describe, type Log } from '../operate/logging/log.ts'
import type { AssertionGauges } from '../operate/metrics/gauges.ts'
import type { Metrics } from '../operate/metrics/metrics.ts'
import type { RedisCommands } from '../shared/redis/commands.ts'
import type { RedisKeys } from '../shared/redis/keys.ts'
import type { ServiceSettings } from './settings.ts'
import type { Sealing, Shared } from './shared.ts'
import { onceAMinute, type Waits, waitUntil } from './timing.ts'

export type AssertionParts = Readonly<{
  assertions: Assertions
  /** Of the main listener. */
  routes: readonly Route[]
  /** For the management listener. */
  keySet: () => HttpResponse
  gauges: AssertionGauges
  /** Before it takes requests: there is a key, or none can be waited for. */
  ready: () => Promise<void>
  close: () => void
}>

export type AssertionDeps = Pick<Waits, 'settleMs'> & Readonly<{
  shared: Shared
  sealing: Sealing
  keys: Pick<RedisKeys, 'assertionKeys'>
  metrics: Pick<Metrics, 'assertions'>
  log: Log
  clock: Clock
}>

const NO_KEY =
  'no key for assertions yet: the header goes out empty until Redis is reached, or its key can be read'

/** Undefined without ASSERTION. */
export function openAssertions ({ assertion }: ServiceSettings, deps: AssertionDeps): AssertionParts | undefined {
  if (assertion === undefined) return undefined
  const { metrics, log, clock } = deps
  const { ring, cannotWait, close } = openKeys(assertion, deps)
  const warn = onceAMinute(systemClock, () => log.warn(NO_KEY))
  const keySet = createKeySetResponse(ring)
  return Object.freeze({
    assertions: createAssertions({
      ring,
      issuer: assertion.issuer,
      clock,
      told (outcome) {
        metrics.assertions(outcome)
        if (outcome === 'no_key') warn()
      }
    }),
    routes: [jwksRoute(keySet)],
    keySet,
    gauges: gaugesOf(ring),
    ready: () => waitUntil(() => ring.signer() !== undefined || cannotWait(), READY_WITHIN_MS),
    close
  })
}

const gaugesOf = (ring: KeyRing): AssertionGauges => ({
  hasKey: () => ring.signer() !== undefined,
  keysPublished: () => ring.published().length,
  nextKey: () => (ring.nextAt() ?? 0) / 1000
})

type Keys = Readonly<{ ring: KeyRing, cannotWait: () => boolean, close: () => void }>

function openKeys (settings: AssertionSettings, deps: AssertionDeps): Keys {
  const { redis } = deps.shared
  const ring = createKeyRing(deps.clock, settings)
  if (settings.keyFile !== undefined) return keysOfFile(ring, settings.keyFile, deps)
  return redis === undefined
    ? keysOfProcess(ring, settings, deps)
    : keysOfReplicas(ring, settings, redis.connection.commands, deps)
}

function keysOfFile (ring: KeyRing, path: string, { clock, log }: AssertionDeps): Keys {
  let set: KeySet | undefined
  function use (keys: readonly PrivateKey[]): void {
    set = keySetOf(keys, set, clock.wall())
    ring.use(set, 0)
  }
  const { keys, close } = openKeyFile(path, {
    changed (renewed) {
      use(renewed)
      log.info({ kids: renewed.map(({ signing: { kid } }) => kid) }, 'ASSERTION_KEY_FILE read again')
    },
    failed: (error) =>
      log.error({ error: describe(error) }, 'ASSERTION_KEY_FILE cannot be used: the keys that were read last stay')
  })
  use(keys)
  return { ring, cannotWait: () => true, close }
}

function keysOfProcess (ring: KeyRing, settings: AssertionSettings, { clock }: AssertionDeps): Keys {
  let set: KeySet | undefined
  function extend (): void {
    set = extended(set, settings, clock.wall())
    ring.use(set, 0)
  }
  extend()
  const timer = setInterval(extend, MIN_ROTATION_MS).unref()
  return { ring, cannotWait: () => true, close: () => clearInterval(timer) }
}

function keysOfReplicas (
  ring: KeyRing,
  schedule: AssertionSettings,
  commands: RedisCommands,
  { shared, sealing, keys, clock, log, settleMs }: AssertionDeps
): Keys {
  const store = createKeyStore({
    ...sealing, commands, canSign: ring.canSign, name: keys.assertionKeys, clock, schedule
  })
  const sync = startKeySync({
    store,
    ring,
    clock,
    settleMs,
    found: (isFirst) => isFirst ? log.info('assertions can be signed') : log.warn(ANOTHER_SET),
    foreign: () => log.error({ key: keys.assertionKeys }, FOREIGN_KEYS),
    failed: (error) => shared.reportOnce('assertion_keys', error)
  })
  return { ring, cannotWait: () => shared.isDown() || sync.isForeign(), close: sync.close }
}

const ANOTHER_SET =
  'Redis was emptied, or replicas were apart: two sets of assertion keys met; both are published, the older one signs'
const FOREIGN_KEYS =
  'the keys of assertions were sealed in Redis under another CACHE_SECRET: set CACHE_SECRET_PREVIOUS to ' +
    'that one, or delete the key when no replica has it any more (docs/assertion.md)'

/** A start waits no longer: only the first replica of a deployment needs most of it. */
const READY_WITHIN_MS = 4000
