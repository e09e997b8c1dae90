import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../../..')
/** Files that people copy before anything is published. */
const COPIED = [
  'security-insights.yml', 'deploy/coolify/authgear-forward-auth.yaml', 'deploy/dokploy/docker-compose.yml',
  'deploy/dokploy/meta.json', 'deploy/unraid/authgear-forward-auth.xml', 'deploy/kubernetes/examples/flux.yaml',
  'deploy/kubernetes/examples/argocd.yaml'
] as const

t.test('a placeholder is no name that a stranger could register', async (t) => {
  for (const file of COPIED) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').filter((line) => /OWNER\//.test(line))
    t.ok(lines.length > 0, file)
    for (const line of lines) t.match(line, /[.]invalid\/OWNER/, `${file}: ${line.trim()}`)
  }
})

t.test('a release with placeholders stops, and names their files', async (t) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const { status, stdout } = spawnSync('bash', [join(ROOT, 'test/deploy/version.sh'), version], { encoding: 'utf8' })
  t.equal(status, 1)
  for (const file of COPIED) t.match(stdout, file)
})
