import { printable } from '../../logging/pretty.ts'
import type { Finding } from './catalogue.ts'
import type { Outcome } from './check.ts'

export type Result = Readonly<{ title: string, outcome: Outcome }>

/** What was looked at, what was found, and how many of each. */
export type Report = Readonly<{ endpoint: string | undefined, results: readonly Result[] }>

const findingsOf = ({ results }: Report): readonly Finding[] =>
  results.flatMap(({ outcome }) => (outcome.kind === 'looked' ? outcome.findings : []))

export function countOf (report: Report): Readonly<{ errors: number, warnings: number }> {
  const findings = findingsOf(report)
  const errors = findings.filter(({ severity }) => severity === 'error').length
  return { errors, warnings: findings.length - errors }
}

export function asJson (report: Report): string {
  const checks = report.results.map(({ title, outcome }) =>
    outcome.kind === 'skipped'
      ? { title, state: 'skipped', why: outcome.why }
      : {
          title,
          state: outcome.findings.length === 0 ? 'ok' : 'found',
          ...outcome.notes === undefined ? {} : { notes: outcome.notes }
        }
  )
  const content = { endpoint: report.endpoint, ...countOf(report), findings: findingsOf(report), checks }
  return `${JSON.stringify(content, null, 2)}\n`
}

export function asText (report: Report): string {
  const { errors, warnings } = countOf(report)
  return [...report.results.map(textOf), `\n${plural(errors, 'error')}, ${plural(warnings, 'warning')}\n`].join('')
}

/** What was seen may be another server's words. */
function textOf ({ title, outcome }: Result): string {
  if (outcome.kind === 'skipped') return `skipped  ${title}: ${outcome.why}\n`
  const notes = (outcome.notes ?? []).map((note) => `         ${printable(note)}\n`).join('')
  if (outcome.findings.length === 0) return `ok       ${title}\n${notes}`
  return notes + outcome.findings
    .map(
      ({ id, severity, what, why, set }) =>
        `${severity.padEnd(7)}  ${id}: ${printable(what)}\n         why: ${why}\n         set: ${set}\n`
    )
    .join('')
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
