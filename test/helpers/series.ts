import { loadConfig } from '../../src/app/config.ts'
import { createMetrics, type Metrics } from '../../src/base/metrics/metrics.ts'
import { parts } from '../../src/parts/index.ts'
import type { Gauges } from '../../src/base/metrics/gauges.ts'
import { adminEnvironment } from './audit.ts'

/** The value of each series of Prometheus' text format, by its name and labels. */
export function seriesOf (text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])
  )
}

const GAUGES: Gauges = {
  resolver: () => ({ inFlight: 1, queued: 2, circuitOpen: false }),
  cacheEntries: () => 3,
  cacheBytes: () => 3000,
  cacheMaxBytes: () => 1_000_000,
  redis: {
    isUp: () => true,
    isFollowed: () => true,
    entries: () => ({ now: 1200, most: 93_300 })
  },
  certificate: { expiry: () => 1_800_000_000, stage: () => undefined }
}

/** Every part with its code, by the examples of their variables. */
const LOADED = await Promise.all(everyPart().map((part) => part.load()))

function everyPart () {
  const examples = Object.assign({}, ...parts.map(({ example }) => example)) as NodeJS.ProcessEnv
  const base = {
    AUTHGEAR_ENDPOINT: 'https://auth.example.com',
    REDIS_URL: 'redis://redis.example.com',
    CACHE_SECRET: 'a secret of the tests, 32 bytes!',
    ...adminEnvironment('http://admin')
  }
  const loaded = loadConfig({ ...base, ...examples })
  if (loaded.kind === 'errors') throw new Error(loaded.errors.join('\n'))
  return loaded.config.parts
}

/** Metrics of a service that has everything: Redis, the audit log, TLS, apps that follow the events, all parts. */
export function allMetrics (gauges: Partial<Gauges> = {}): Metrics {
  const metrics = createMetrics('1.2.3', { ...GAUGES, ...gauges })
  for (const { register } of LOADED) register(metrics)
  return metrics
}
