import { createSampledLine } from '../../base/http/access-log.ts'
import type { Log } from '../../base/logging/log.ts'
import type { Serving } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import { createGrpcExchange, type GrpcExchange } from './exchange.ts'
import { createHealth } from './health.ts'
import { buildGrpcListener } from './listener.ts'

export function openGrpc (_settings: object, { log }: Given) {
  const health = createHealth('envoy.service.auth.v3.Authorization')
  return Object.freeze({
    listener: (serving: Serving) =>
      buildGrpcListener({ ...serving.listenerDeps, exchange: exchangeOf(serving, log), health }),
    leave: health.stopServing,
    gauges: {}
  })
}

function exchangeOf ({ listenerDeps, handlers, identityNames, counted }: Serving, log: Log): GrpcExchange {
  const tellNoEndpoint = createSampledLine(log, 'warn', noEndpointOf(handlers))
  const tellUnreadable = createSampledLine(log, 'info', 'refused: not a check that Envoy would send')
  return createGrpcExchange({
    ...listenerDeps,
    handlers,
    identityNames,
    notFound: (context, seconds) => {
      counted('other', 404, 'not_found', 'none', seconds)
      tellNoEndpoint({ ...context, status: 404, reason: 'not_found' })
    },
    unreadable: (context, why, status, seconds) => {
      counted('other', status, 'unreadable', 'none', seconds)
      tellUnreadable({ ...context, status, reason: 'unreadable', why })
    }
  })
}

function noEndpointOf (handlers: Serving['handlers']): string {
  const on = Object.entries(handlers).flatMap(([name, handler]) => handler === undefined ? [] : [name])
  return `refused: context_extensions["endpoint"] names none that is on here: ${on.join(', ')}`
}
