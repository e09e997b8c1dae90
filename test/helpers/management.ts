import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { systemClock, type Clock } from '../../src/base/clock.ts'
import { buildManagement } from '../../src/base/management/listener.ts'
import type { Service } from '../../src/base/service/service.ts'

export const MACHINE = 'Replica-7.example.net'

type Options = Readonly<{ clock?: Clock, hosts?: readonly string[] }>

/** The management app of a replica in this process. */
export function managementOf (
  t: Pick<Test, 'teardown'>,
  service: Service,
  { clock = systemClock, hosts = [] }: Options = {}
): FastifyInstance {
  const management = buildManagement({
    readiness: { state: () => 'serving', redis: service.redisState, authgear: service.authgearState },
    metrics: service.metrics,
    version: '0.0.0-test',
    revocations: service.revocations,
    documents: service.documents,
    ofParts: service.management,
    status: {
      samples: service.samples,
      others: service.others,
      about: { replica: `${MACHINE}:4180`, endpoint: 'https://auth.example.com', ttlMs: 30_000, entrance: undefined },
      clock,
      machine: MACHINE,
      hosts
    }
  })
  t.teardown(() => management.close())
  return management
}

/** The same, listening. @returns its port */
export async function startManagement (
  t: Pick<Test, 'teardown'>,
  service: Service,
  options: Options = {}
): Promise<number> {
  const management = managementOf(t, service, options)
  await management.listen({ host: '127.0.0.1', port: 0 })
  return (management.server.address() as AddressInfo).port
}
