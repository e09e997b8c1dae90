// Writes what is generated from the code: `npm run docs`. A test fails when a file differs from what this writes.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { withAdvisories } from './advisories.ts'
import { withCampaign } from './campaign.ts'
import { chartKnowledge } from './chart.ts'
import { pictures, withCost } from './cost.ts'
import { withFindingsTable } from './findings.ts'
import { withMetricsTable } from './metrics.ts'
import { speedChart, withSpeed } from './speed.ts'
import { environmentExample, withVariablesTable } from './variables.ts'
import { dashboard } from '../deploy/grafana/dashboard.ts'
import { chartTemplate, prometheusRules } from '../deploy/prometheus/alerts.ts'
import { snippet } from '../src/commands/snippet.ts'
import { PROXIES } from '../src/commands/snippet/proxies.ts'
import { CATALOGUE } from '../src/commands/doctor/catalogue.ts'
import { rows } from '../src/config/variables.ts'
import { allMetrics } from '../test/helpers/series.ts'

const root = new URL('../', import.meta.url)
const page = new URL('docs/configuration.md', root)

writeFileSync(new URL('.env.example', root), environmentExample(rows))
writeFileSync(page, withVariablesTable(readFileSync(page, 'utf8'), rows))

const doctor = new URL('docs/doctor.md', root)
writeFileSync(doctor, withFindingsTable(readFileSync(doctor, 'utf8'), CATALOGUE))
const monitoring = new URL('docs/monitoring.md', root)
writeFileSync(monitoring, withMetricsTable(readFileSync(monitoring, 'utf8'), await allMetrics().render()))

writeFileSync(new URL('deploy/prometheus/alerts.yml', root), prometheusRules())
writeFileSync(new URL('deploy/kubernetes/chart/templates/prometheusrule.yaml', root), chartTemplate())
writeFileSync(new URL('deploy/grafana/dashboard.json', root), dashboard())
const valuesSchema = JSON.parse(readFileSync(new URL('deploy/kubernetes/chart/values.schema.json', root), 'utf8'))
writeFileSync(new URL('deploy/kubernetes/chart/templates/_known.tpl', root), chartKnowledge(rows, valuesSchema))

const reliability = new URL('docs/inside/reliability.md', root)
const campaign = JSON.parse(readFileSync(new URL('docs/campaign.json', root), 'utf8'))
writeFileSync(reliability, withCampaign(readFileSync(reliability, 'utf8'), campaign))
const security = new URL('docs/inside/security-tests.md', root)
writeFileSync(security, withAdvisories(readFileSync(security, 'utf8')))
const operations = new URL('docs/operations.md', root)
writeFileSync(operations, withCost(readFileSync(operations, 'utf8')))
for (const [file, picture] of Object.entries(pictures())) writeFileSync(new URL(file, root), picture)
const performance = new URL('docs/performance.md', root)
writeFileSync(performance, withSpeed(readFileSync(performance, 'utf8')))
writeFileSync(new URL('docs/images/speed.svg', root), speedChart())
// deploy/<proxy>/ is what the subcommand `snippet` writes
for (const [folder, ...args] of [
  ...PROXIES.map((proxy) => [proxy, proxy]),
  ['traefik-tls', 'traefik', '--forward-auth', 'https://forward-auth:4180'],
  ['nginx-every-name', 'nginx', '--identity', 'remote,forwarded,webauth', '--assertion']
]) {
  const deploy = new URL(`deploy/${folder}`, root)
  rmSync(deploy, { recursive: true, force: true })
  if (snippet([...args, '--out', deploy.pathname], { write: () => {} }, process.stderr) !== 0) process.exitCode = 1
}
