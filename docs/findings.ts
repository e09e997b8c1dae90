/** The table of docs/doctor.md, from the catalogue of what `doctor` can find. */
import type { Entry } from '../src/commands/doctor/catalogue.ts'
import { tableOf, withGenerated } from './generated.ts'

/** `doctor` itself prints why a finding matters and what to set. */
const HEAD = ['finding', 'what is wrong']

/** @param page docs/doctor.md @param catalogue by the id of each finding */
export function withFindingsTable (page: string, catalogue: Readonly<Record<string, Entry>>): string {
  const rows = Object.entries(catalogue).map(([id, { severity, mistake }]) =>
    [severity === 'error' ? `\`${id}\`` : `\`${id}\` (${severity})`, mistake])
  return withGenerated(page, 'src/commands/doctor/catalogue.ts', tableOf(HEAD, rows))
}
