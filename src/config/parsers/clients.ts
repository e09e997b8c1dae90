import { type ClientName, type ClientNameReading, readClientName } from '../../core/client-name.ts'
import { type Kind, parsed, problem, quote } from '../kind.ts'

const MAX_NAMES = 1000

/** Clients, by id or host, as a block names them. */
export const clientNames: Kind<readonly ClientName[]> = Object.freeze({
  accepts: 'client ids, `https://host` or `https://*.host`, separated by white space',
  parse: (text: string) => {
    const entries = text.trim().split(/\s+/)
    const readings = entries.map(readEntry)
    const problems = readings.flatMap((reading) => reading.kind === 'problem' ? [reading.why] : [])
    if (entries.length > MAX_NAMES) problems.push(`has more than ${MAX_NAMES} entries`)
    const names = readings.flatMap((reading) => reading.kind === 'name' ? [reading.name] : [])
    return problems.length === 0 ? parsed(names, names.join(' ')) : problem(problems.join('; '))
  }
})

/** In a list a comma is a mistake, and so is a host with a slash behind it: each would block nobody. */
function readEntry (entry: string): ClientNameReading {
  const wrong = (why: string) => ({ kind: 'problem', why: `${quote(entry)} ${why}` }) as const
  if (entry.includes(',')) return wrong('has a comma: separate names by white space')
  if (/^http:/i.test(entry)) return wrong('begins with http://: a client whose id is a URL has https://')
  const reading = readClientName(entry)
  if (reading.kind === 'problem') return wrong(reading.why)
  return /^https:\/\/[^/]+\/$/.test(reading.name)
    ? wrong('is one document: leave out the slash for every client of that host')
    : reading
}
