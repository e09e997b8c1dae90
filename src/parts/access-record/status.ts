import type { StatusOf } from '../../base/parts/figures.ts'

const LINK = 'forwardauthaccessrecordlost'
const ADVICE = 'check its disk and its reader'

export const status: StatusOf = {
  facts: ({ written }) => [['Access record', written === 1 ? 'written' : 'cannot be written', written === 1]],
  json: ({ written }) => ({ recordWritten: written === 1 }),
  alerts: [
    {
      alert: 'ForwardAuthAccessRecordLost',
      value: 'sum by (job) (increase(forward_auth_access_record_lost_total{$one}[10m]))',
      when: '> 0',
      severity: 'warning',
      summary: 'Lines of the access record are lost',
      description: 'Its disk is full, or nothing reads the pipe. The next line says how many are missing.'
    }
  ],
  problems: [
    {
      level: 'warn',
      when: ({ now: { written } }) => written === 0,
      sentence: () => `The access record cannot be written, and its lines wait: ${ADVICE}`,
      link: LINK
    },
    {
      level: 'warn',
      when: ({ since: { lost = 0 } }) => lost > 0,
      sentence: ({ since: { lost = 0 } }) => `${lost} line${lost === 1 ? '' : 's'} of the access record lost: ${ADVICE}`,
      link: LINK
    }
  ]
}
