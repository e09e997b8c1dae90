import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildManagement } from '../../src/base/management/listener.ts'
import type { Service } from '../../src/app/service.ts'

export const MACHINE = 'Replica-7.example.net'

type Options = Readonly<{ hosts?: readonly string[] }>

/** The management app of a replica in this process. */
export function managementOf (
  t: Pick<Test, 'teardown'>,
  service: Service,
  { hosts = [] }: Options = {}
): FastifyInstance {
  const management = buildManagement({
    readiness: { state: () => 'serving', redis: service.redisState, authgear: service.authgearState },
    metrics: service.metrics,
    unexpectedError: service.unexpectedError,
    about: {
      replica: `${MACHINE}:4180`,
      version: '0.0.0-test',
      endpoint: 'https://auth.example.com',
      ttlMs: 30_000,
      entrance: undefined
    },
    machine: MACHINE,
    hosts,
    revocations: service.revocations,
    documents: service.documents,
    ofParts: service.management
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
