import { anyListener, buildListener } from '../../base/http/listener.ts'
import type { Serving } from '../../base/parts/feature.ts'
import type { Given } from '../../base/parts/given.ts'
import { createIdentify } from './identify.ts'

export function openIdentify (_settings: object, { clock }: Given) {
  return Object.freeze({
    /** `/identify` is alone on its listener: no proxy must reach its 200 for nobody by accident. */
    listener ({ listenerDeps, handlerDeps, traced }: Serving) {
      const identify = traced('identify', createIdentify({ ...handlerDeps, clock }))
      const route = { path: '/identify', endpoint: 'identify', handler: identify } as const
      return { ...anyListener(buildListener({ ...listenerDeps, tls: undefined }, [route])), handlers: { identify } }
    },
    gauges: {}
  })
}
