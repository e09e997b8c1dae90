// The tables of docs/performance.md and README.md and the chart, from the newest `npm run bench -- peers`:
// `npm run docs` writes them, a test compares.
import { readFileSync } from 'node:fs'
import { tableOf, withGenerated } from './generated.ts'

const SOURCE = 'test/bench/results/peers.json'
const HEAD = ['service', 'requests/s on one core', 'µs of CPU each', 'p50 ms', 'memory', 'still allows a disabled user']
const [WIDTH, ROW, LEFT] = [760, 26, 300]
const [OURS, OTHERS] = ['#175cd3', '#98a2b3']

type Row = Readonly<{ name: string, rate: number, cpu: number, p50: number, memory: number, stillAllows: boolean }>
const { machine, data } = JSON.parse(readFileSync(new URL(`../${SOURCE}`, import.meta.url), 'utf8')) as
  Readonly<{ machine: string, data: Readonly<{ versions: string, rows: readonly Row[] }> }>
/** Bare Node refuses nobody. */
const isService = ({ name }: Row): boolean => !name.startsWith('bare')
const inWords = (rate: number): string => Math.round(rate).toLocaleString('en-US')

/** @param page docs/performance.md */
export function withSpeed (page: string): string {
  const rows = data.rows.map((row) => [
    row.name,
    inWords(row.rate),
    row.cpu.toFixed(0),
    row.p50.toFixed(1),
    `${row.memory.toFixed(0)} MiB`,
    isService(row) ? row.stillAllows ? 'yes' : '**no**' : ''
  ])
  return withGenerated(page, SOURCE, `${tableOf(HEAD, rows)}\n\n${machine}.`)
}

/** A bar for each service: docs/images/speed.svg. */
export function speedChart (): string {
  const most = Math.max(...data.rows.map(({ rate }) => rate))
  const bars = data.rows.map(({ name, rate }, index) => {
    const [y, width] = [8 + index * ROW, rate / most * (WIDTH - LEFT - 60)]
    return `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${name.replaceAll(/\*\*|`/g, '')}</text>` +
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(0)}" height="18" fill="${/this service/.test(name) ? OURS : OTHERS}"/>` +
      `<text x="${(LEFT + width + 6).toFixed(0)}" y="${y + 14}">${inWords(rate)}</text>`
  })
  const height = 12 + ROW * data.rows.length
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" ` +
    `font-size="12">\n<rect width="${WIDTH}" height="${height}" fill="#fff"/>\n${bars.join('\n')}\n</svg>\n`
}

type Peer = Readonly<{ row: string, shown: string, login: string }>

/** README's rows. `login` as the linked README of that version says. */
const PEERS: readonly Peer[] = [
  { row: '**this service**, session cookie', shown: '**this service**, session cookie', login: 'Authgear' },
  { row: 'oauth2-proxy, cookie', shown: `${linkOf('oauth2-proxy')}, its cookie`, login: 'any OIDC provider' },
  { row: 'heimdall, memory', shown: `${linkOf('heimdall')}, its cache on`, login: 'none: it verifies credentials' },
  {
    row: 'Oathkeeper, session cookie',
    shown: `${linkOf('oathkeeper')}, session cookie`,
    login: 'none: it verifies credentials'
  }
]

function linkOf (name: string): string {
  const repository = { 'oauth2-proxy': 'oauth2-proxy', heimdall: 'dadrus', oathkeeper: 'ory' }[name]
  const version = new RegExp(`\\b${name} ([\\d.]+)`).exec(data.versions)?.[1]
  if (version === undefined) throw new Error(`peers.json lacks the version of ${name}`)
  return `[${name} ${version}](https://github.com/${repository}/${name}/tree/v${version})`
}

/** @param page README.md */
export function withComparison (page: string): string {
  const rows = PEERS.map(({ row, shown, login }) => {
    const found = data.rows.find(({ name }) => name === row)
    if (found === undefined) throw new Error(`peers.json lacks ${row}`)
    const { rate, memory, stillAllows } = found
    return [shown, login, inWords(rate), `${memory.toFixed(0)} MiB`, stillAllows ? 'yes' : '**no**']
  })
  const head = ['service', 'login by', 'requests/s on one core', 'memory', 'admits a user disabled a second ago']
  const conditions = `${machine.split(', ').at(-1)}: one credential already seen, no TLS, the fastest configuration ` +
    "that each documents. This service gets Authgear's webhook; the others have no such signal, and Oathkeeper asks " +
    'Authgear on each request. [All rows](docs/performance.md#beside-others).'
  return withGenerated(page, SOURCE, `${tableOf(head, rows)}\n\n${conditions}`)
}
