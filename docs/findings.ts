/** The list of docs/doctor.md, from the catalogue of what `doctor` can find. */
import type { Entry } from '../src/commands/doctor/catalogue.ts'
import { withGenerated } from './generated.ts'

/**
 * `doctor` itself prints what it saw, why a finding matters and what to set.
 * @param catalogue by the id of each finding
 */
export function withFindings (page: string, catalogue: Readonly<Record<string, Entry>>): string {
  const of = (severity: Entry['severity']): string =>
    Object.entries(catalogue).flatMap(([id, entry]) => entry.severity === severity ? [`\`${id}\``] : []).join(', ')
  return withGenerated(page, 'src/commands/doctor/catalogue.ts', `Errors: ${of('error')}.\n\nWarnings: ${of('warning')}.`)
}
