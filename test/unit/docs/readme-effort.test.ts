import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { effortOf, type Way } from '../../helpers/readme.ts'

const ROOT = join(import.meta.dirname, '../../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const effort = effortOf(readme, readFileSync(join(ROOT, 'deploy/compose/.env.example'), 'utf8'))

/** How the rows of README.md's table begin. */
const ROWS: Readonly<Record<Way, string>> = {
  demo: '[the demo](#without-docker)',
  container: '[one container and Caddy](#one-app-one-container)',
  compose: '[Compose with HTTPS](#ten-minutes-with-traefik)'
}

t.test('README counts the commands and lines that it really asks for', (t) => {
  for (const [way, row] of Object.entries(ROWS)) {
    const { commands, lines } = effort[way as Way]
    const [, counted] = readme.split('\n').find((line) => line.startsWith(`| ${row} |`))?.slice(2).split(' | ') ?? []
    t.equal(counted, lines === 0 ? `${commands}` : `${commands}, and ${lines} lines of a file`, row)
    t.ok(commands <= 5 && lines <= 10, `${row}: few`)
  }
  t.end()
})
