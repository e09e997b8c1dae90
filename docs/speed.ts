// The table and the chart of docs/performance.md, from the newest `npm run bench -- peers`: `npm run docs` writes
// both, a test compares.
import { readFileSync } from 'node:fs'
import { tableOf, withGenerated } from './generated.ts'

const SOURCE = 'test/bench/results/peers.json'
const HEAD = ['service', 'requests/s on one core', 'µs of CPU each', 'p50 ms', 'memory', 'still allows a disabled user']
const [WIDTH, ROW, LEFT] = [760, 26, 300]
const [OURS, OTHERS] = ['#175cd3', '#98a2b3']

type Row = Readonly<{ name: string, rate: number, cpu: number, p50: number, memory: number, stillAllows: boolean }>
const { machine, data } = JSON.parse(readFileSync(new URL(`../${SOURCE}`, import.meta.url), 'utf8')) as
  Readonly<{ machine: string, data: Readonly<{ rows: readonly Row[] }> }>
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
