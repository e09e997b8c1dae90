// The tables in docs/proxies/README.md and docs/inside/hostile.md, from what the end-to-end tests saw (artifacts/):
// `npm run docs:behaviour`.
// A page of which this run did not see each cell stays as it is. With --check nothing is written, and a page that is
// not what this run saw is an error too.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tableOf, withGenerated } from './generated.ts'

const root = new URL('../', import.meta.url)
const COLUMNS = ['Traefik', 'Caddy', 'nginx', 'Envoy', 'HAProxy']
const NOT_SEEN = '**not seen**'
/** Behaviours for contributors, in docs/inside/hostile.md; people who choose a proxy read about all others. */
const INSIDE: ReadonlySet<string> = new Set([
  'relative', 'setCookie', 'other2xx', 'connection', 'connectionCookie', 'twoAuthorizations', 'crumbs', 'upgrade',
  'upgrades', 'dots', 'slashes', 'leaving', 'encoded', 'backslash', 'letters', 'escaped', 'parameter'
])
/** People who send each spelling, and kinds of app that it is sent to: test/e2e/hostile.all.test.ts. */
const [PEOPLE, APPS] = [2, 3]

const tableOfProxies = (head: string, rows: readonly string[][]): string => tableOf([head, ...COLUMNS], rows)

/** What the tests wrote, by the name of its file. */
const readAll = <T>(folder: string): ReadonlyArray<readonly [name: string, value: T]> => {
  const path = new URL(`artifacts/${folder}/`, root)
  return existsSync(path)
    ? readdirSync(path).map((file) => [
      file.replace(/\.json$/, ''),
      JSON.parse(readFileSync(new URL(file, path), 'utf8'))
    ])
    : []
}

/** @param isListed which behaviours have a row */
function behaviours (isListed: (behaviour: string) => boolean): string {
  const titles: Record<string, string> = JSON.parse(readFileSync(new URL('test/e2e/behaviours.json', root), 'utf8'))
  const seen = readAll<Record<string, Record<string, string>>>('e2e').map(([, result]) => result)
  const cell = (column: string, behaviour: string): string =>
    [...new Set(seen.map(result => result[column]?.[behaviour]).filter(value => value !== undefined))].join(' / ')
  return tableOfProxies(
    '',
    Object.entries(titles).filter(([behaviour]) => isListed(behaviour)).map(([behaviour, title]) => [
      title,
      ...COLUMNS.map((column) => cell(column, behaviour) || NOT_SEEN)
    ])
  )
}

/** A status in words; a connection that is closed without an answer is a refusal too. */
const inWords = (status: number): string =>
  status === 0 || status === 400 ? 'refused' : status === 101 ? 'WebSocket' : status === 200 ? 'as bob' : String(status)

function hostile (): string {
  const seen = Object.fromEntries(readAll<Record<string, Record<string, number[]>>>('hostile'))
  const spellings = [...new Set(Object.values(seen).flatMap(Object.keys))]
  if (spellings.length === 0) return NOT_SEEN
  const cell = (column: string, spelling: string): string =>
    [...new Set(seen[column]?.[spelling]?.['bob']?.map(inWords))].join(' / ')
  const rows = spellings.map((spelling) => [
    spelling.replaceAll('|', '\\|'),
    ...COLUMNS.map((column) => cell(column, spelling) || NOT_SEEN)
  ])
  const requests = spellings.length * COLUMNS.length * PEOPLE * APPS
  return `**${spellings.length} spellings, ${COLUMNS.length} proxies, ${APPS} apps, with a session and without one: ` +
    `0 of ${requests.toLocaleString('en')} requests got past.**\n\n${tableOfProxies('bob sends', rows)}`
}

function update (path: string, source: string, text: string): void {
  const missing = text.split('\n').filter((line) => line.includes(NOT_SEEN))
  if (missing.length > 0) {
    return fail(`${path} stays as it is, since this run (npm run test:all) did not see:\n${missing.join('\n')}`)
  }
  const page = new URL(path, root)
  const old = readFileSync(page, 'utf8')
  const fresh = withGenerated(old, `what ${source} saw`, text, 'npm run docs:behaviour')
  if (!process.argv.includes('--check')) writeFileSync(page, fresh)
  else if (fresh !== old) fail(`${path} is not what this run saw: npm run docs:behaviour, and read what changed`)
}

function fail (why: string): void {
  console.error(why)
  process.exitCode = 1
}

update('docs/proxies/README.md', 'test/e2e', behaviours((behaviour) => !INSIDE.has(behaviour)))
update('docs/inside/hostile.md', 'test/e2e', behaviours((behaviour) => INSIDE.has(behaviour)))
update('docs/inside/hostile.md', 'test/e2e/hostile.all.test.ts', hostile())
