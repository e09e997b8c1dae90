// Every file that is generated from the code: `npm run docs` writes them, and a test holds them against the code.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { withAdvisories } from './advisories.ts'
import { withCampaign } from './campaign.ts'
import { chartKnowledge } from './chart.ts'
import { pictures, withCost } from './cost.ts'
import { withCosts, withSizing } from './figures.ts'
import { withFindings } from './findings.ts'
import { withMetricsTable } from './metrics.ts'
import { speedChart, withComparison, withSpeed } from './speed.ts'
import { environmentExample, withVariablesTable } from './variables.ts'
import { dashboard } from '../deploy/grafana/dashboard.ts'
import { chartTemplate, prometheusRules } from '../deploy/prometheus/alerts.ts'
import { readOptions } from '../src/commands/snippet/options.ts'
import { EVERY_NAME } from '../src/commands/snippet/outgoing.ts'
import { PROXIES, templateOf } from '../src/commands/snippet/proxies.ts'
import { authgearCaddy } from '../src/commands/snippet/templates/authgear-caddy.ts'
import { CATALOGUE } from '../src/commands/doctor/catalogue.ts'
import { rows } from '../src/app/config.ts'
import { allMetrics } from '../test/helpers/series.ts'

const root = new URL('../', import.meta.url)
/** Folders of deploy/ with what `snippet` writes for these arguments. */
const SNIPPETS: ReadonlyArray<readonly [folder: string, ...args: readonly string[]]> = [
  ...PROXIES.map((proxy) => [proxy, proxy] as const),
  ['traefik-tls', 'traefik', '--forward-auth', 'https://forward-auth:4180'],
  ['nginx-every-name', 'nginx', '--identity', 'remote,forwarded,webauth', '--assertion']
]

export const readPage = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const readJson = (path: string) => JSON.parse(readPage(path))
const page = (path: string, update: (text: string) => string) => [path, update(readPage(path))] as const

/** Paths from the root of the repository, and their texts. */
export async function generatedFiles (): Promise<Readonly<Record<string, string>>> {
  const metrics = await allMetrics().render()
  return Object.fromEntries([
    ['.env.example', environmentExample(rows)],
    page('docs/configuration.md', (text) => withVariablesTable(text, rows)),
    page('docs/doctor.md', (text) => withFindings(text, CATALOGUE)),
    page('docs/monitoring.md', (text) => withMetricsTable(text, metrics)),
    ['deploy/prometheus/alerts.yml', prometheusRules()],
    ['deploy/kubernetes/chart/templates/prometheusrule.yaml', chartTemplate()],
    ['deploy/grafana/dashboard.json', dashboard()],
    [
      'deploy/kubernetes/chart/templates/_known.tpl',
      chartKnowledge(rows, readJson('deploy/kubernetes/chart/values.schema.json'))
    ],
    page('docs/inside/reliability.md', (text) => withCampaign(text, readJson('docs/campaign.json'))),
    page('docs/inside/security-tests.md', withAdvisories),
    page('docs/operations.md', (text) => withSizing(withCost(text))),
    ...Object.entries(pictures()),
    page('README.md', withComparison),
    page('docs/performance.md', (text) => withCosts(withSpeed(text))),
    ['docs/images/speed.svg', speedChart()],
    ['deploy/compose/authgear.caddy', authgearCaddy(
      optionsOf(['caddy', '--https', '--forward-auth', 'http://127.0.0.1:4180', ...EVERY_NAME]).settings
    )],
    ...SNIPPETS.flatMap(([folder, ...args]) => snippetFiles(folder, args))
  ])
}

function optionsOf (args: readonly string[]) {
  const reading = readOptions(args)
  if (reading.kind !== 'options') throw new Error(`snippet ${args.join(' ')}: ${reading.kind}`)
  return reading.options
}

function snippetFiles (folder: string, args: readonly string[]) {
  const { proxy, settings } = optionsOf(args)
  return Object.entries(templateOf(proxy)(settings)).map(([name, text]) => [`deploy/${folder}/${name}`, text] as const)
}

/** Files in the folders of snippets that are no longer written. */
export function leftovers (files: Readonly<Record<string, string>>): readonly string[] {
  return SNIPPETS.map(([folder]) => `deploy/${folder}`).filter((folder) => existsSync(new URL(folder, root)))
    .flatMap((folder) => readdirSync(new URL(folder, root)).map((name) => `${folder}/${name}`))
    .filter((path) => !(path in files))
}
