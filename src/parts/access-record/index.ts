import { definePart } from '../../base/parts/part.ts'
import { METRICS } from './metrics.ts'
import { status } from './status.ts'
import { variables } from './variables.ts'

/** The record of who opened what: a line of JSON for each decision (docs/access-record.md). */
export const accessRecord = definePart({
  name: 'access-record',
  title: 'Access record',
  variables,
  example: { ACCESS_RECORD: 'stdout' },
  configure: ({ sink, address, required, ...rest }) => sink === undefined
    ? undefined
    : { ...rest, file: sink.file, address: address === 'on', isRequired: required === 'on' },
  // nobody moves standard output: SIGHUP ends the process there
  claims: ({ file }) => ({ memoryShare: 0.05, reopens: file !== undefined }),
  status,
  metrics: () => METRICS,
  load: async () => (await import('./open.ts')).openAccessRecord
})
