// @ts-check
/** The table of docs/doctor.md, from the catalogue of what `doctor` can find. */
import { tableOf, withGenerated } from './generated.mjs'

const HEAD = ['finding', '', 'what is wrong', 'why it matters', 'what to set']

/** @typedef {Readonly<{ severity: string, mistake: string, why: string, set: string }>} Entry */

/** @param {string} page @param {Readonly<Record<string, Entry>>} catalogue by the id of each finding */
export function withFindingsTable (page, catalogue) {
  const rows = Object.entries(catalogue).map(([id, { severity, mistake, why, set }]) => [
    `\`${id}\``,
    severity,
    mistake,
    why,
    set
  ])
  return withGenerated(page, 'src/commands/doctor/catalogue.ts', tableOf(HEAD, rows))
}
