import { describe } from '../../base/logging/log.ts'
import type { CountsOf } from '../../base/metrics/table.ts'
import { systemClock } from '../../base/clock.ts'
import { onceAMinute, waitUntil } from '../../base/timing.ts'
import type { Given, SharedRedis } from '../../base/parts/given.ts'
import { createAssertions } from './assertions.ts'
import { createHeaders } from './headers.ts'
import { createKeySetResponse, keySetDocument } from './jwks.ts'
import { keySetOf, openKeyFile } from './key-file.ts'
import type { PrivateKey } from './key.ts'
import { createKeyRing, type KeyRing } from './key-ring.ts'
import { extended, type KeySet, MIN_ROTATION_MS } from './key-set.ts'
import type { METRICS } from './metrics.ts'
import { createKeyStore, startKeySync } from './shared-keys.ts'
import type { AssertionSettings } from './types.ts'

const NO_KEY =
  'no key for assertions yet: the header is empty until Redis is reachable, or the key file can be read'
/** A start waits no longer: only the first replica of a deployment needs most of it. */
const READY_WITHIN_MS = 4000

/** @throws where ASSERTION_KEY_FILE cannot be read any more */
export function openAssertion (settings: AssertionSettings, given: Given, count: CountsOf<typeof METRICS>) {
  const { log, clock } = given
  const { ring, cannotWait, close } = openKeys(settings, given)
  const warn = onceAMinute(systemClock, () => log.warn(NO_KEY))
  const assertions = createAssertions({
    ring,
    issuer: settings.issuer,
    clock,
    told (outcome) {
      count.outcomes.add(outcome)
      if (outcome === 'no_key') warn()
    }
  })
  return Object.freeze({
    headers: createHeaders(assertions),
    documents: [keySetDocument(createKeySetResponse(ring))],
    gauges: {
      hasKey: () => Number(ring.signer() !== undefined),
      published: () => ring.published().length,
      nextKey: () => (ring.nextAt() ?? 0) / 1000
    },
    ready: () => waitUntil(() => ring.signer() !== undefined || cannotWait(), READY_WITHIN_MS),
    close
  })
}

type Keys = Readonly<{ ring: KeyRing, cannotWait: () => boolean, close: () => void }>

function openKeys (settings: AssertionSettings, given: Given): Keys {
  const { redis } = given
  const ring = createKeyRing(given.clock, settings)
  if (settings.keyFile !== undefined) return keysOfFile(ring, settings.keyFile, given)
  return redis === undefined
    ? keysOfProcess(ring, settings, given)
    : keysOfReplicas(ring, settings, redis, given)
}

function keysOfFile (ring: KeyRing, path: string, { clock, log }: Given): Keys {
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

function keysOfProcess (ring: KeyRing, settings: AssertionSettings, { clock }: Given): Keys {
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
  { commands, sealing, keyOf, isDown, reportOnce, settleMs }: SharedRedis,
  { clock, log }: Given
): Keys {
  const name = keyOf('assertion-keys')
  const store = createKeyStore({ ...sealing, commands, canSign: ring.canSign, name, clock, schedule })
  const sync = startKeySync({
    store,
    ring,
    clock,
    settleMs,
    found: (isFirst) => isFirst ? log.info('assertions are signed') : log.warn(ANOTHER_SET),
    foreign: () => log.error({ key: name }, FOREIGN_KEYS),
    failed: (error) => reportOnce('assertion_keys', error)
  })
  return { ring, cannotWait: () => isDown() || sync.isForeign(), close: sync.close }
}

const ANOTHER_SET =
  'Redis was emptied, or replicas were apart: two sets of assertion keys met; both are published, the older one signs'
const FOREIGN_KEYS =
  'the keys of assertions were sealed in Redis under another CACHE_SECRET: set CACHE_SECRET_PREVIOUS to ' +
    'that one, or delete the key when no replica has it any more (docs/assertion.md)'
