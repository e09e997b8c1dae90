import { type Kind, parsed, problem, quote, type Variables } from '../../base/config/kind.ts'
import { type ClientName, type ClientNameReading, readClientName } from '../../base/core/client-name.ts'
import type { Rule } from '../../base/parts/part.ts'

const MAX_NAMES = 1000

/** Clients, by id or host, as a block names them. */
const clientNames: Kind<readonly ClientName[]> = Object.freeze({
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

/** In a list a comma is a mistake: it would block nobody. */
function readEntry (entry: string): ClientNameReading {
  const wrong = (why: string) => ({ kind: 'problem', why: `${quote(entry)} ${why}` }) as const
  if (entry.includes(',')) return wrong('has a comma: separate names by white space')
  if (/^http:/i.test(entry)) return wrong('begins with http://: a client whose id is a URL has https://')
  const reading = readClientName(entry)
  return reading.kind === 'problem' ? wrong(reading.why) : reading
}

export const variables = {
  CLIENTS_BLOCKED: {
    as: 'blocked',
    kind: clientNames,
    example: 'dcrc_0123456789 https://agents.example.com https://*.example.net',
    meaning:
      'Clients whose resource tokens are refused: ids, hosts (`https://host`) or all sub-domains of a host ' +
        '(`https://*.host`). Without a restart: `PUT /clients/{client_id}/block` (docs/resource-tokens.md).'
  }
} as const satisfies Variables

const HOST_NAME = /^[a-z\d-]+(?:\.[a-z\d-]+)+$/i

/** A name that is spelled as a host blocks no client of that host. */
export const looksLikeHost: Rule<typeof variables> = ({ values: { CLIENTS_BLOCKED: names = [] } }) => names.map(
  (name) =>
    HOST_NAME.test(name) &&
    `CLIENTS_BLOCKED: "${name}" is read as a client's id: for every client of a host write https://${name}`
)
