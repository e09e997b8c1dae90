import { anyListener, buildListener } from '../../base/http/listener.ts'
import type { Base, Opened } from '../../base/parts/places.ts'
import { createIdentify } from './identify.ts'

export function openIdentify (_settings: object, { clock }: Base) {
  return Object.freeze({
    /** `/identify` is alone on its listener: no proxy must reach its 200 for nobody by accident. */
    listener ({ listenerDeps, handlerDeps, traced }) {
      const identify = traced('identify', createIdentify({ ...handlerDeps, clock }))
      const route = { path: '/identify', endpoint: 'identify', handler: identify } as const
      return { ...anyListener(buildListener({ ...listenerDeps, tls: undefined }, [route])), handlers: { identify } }
    },
    gauges: {}
  } satisfies Opened & Record<'gauges', object>)
}
