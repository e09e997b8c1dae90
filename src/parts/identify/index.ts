import { definePart } from '../../base/parts/part.ts'
import { variables } from './variables.ts'

/** `/identify` says who the user is, for pages that let everybody in (docs/interface.md). */
export const identify = definePart({
  name: 'identify',
  title: 'Identify',
  variables,
  example: { IDENTIFY_LISTEN: '127.0.0.1:4182' },
  configure: ({ address }) => address === undefined ? undefined : { address },
  claims: ({ address }) => ({ listens: { variable: 'IDENTIFY_LISTEN', address, isPlain: true } }),
  metrics: () => ({}),
  load: async () => (await import('./open.ts')).openIdentify
})
