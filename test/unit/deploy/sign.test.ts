import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { skipOrFail } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const SIGN = join(import.meta.dirname, '../../../deploy/docker/sign.sh')
const INDEX = {
  manifests: [
    { digest: 'sha256:amd', platform: { os: 'linux', architecture: 'amd64' } },
    { digest: 'sha256:arm', platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { digest: 'sha256:doc', platform: { os: 'unknown', architecture: 'unknown' } }
  ]
}

/** Docker and cosign need an engine and a registry: these say what they were asked. */
function sign (t: Test): readonly string[] {
  const folder = tempDir(t, 'sign')
  const program = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  program('docker', `[[ $* = *--raw* ]] && echo '${JSON.stringify(INDEX)}' || echo "\\"\${@: -1}\\""`)
  program('cosign', `echo "$*" >>${folder}/calls
for ((i = 1; i < $#; i++)); do [ "\${!i}" = --predicate ] && j=$((i + 1)) && cat "\${!j}" >>${folder}/calls; done; exit 0`)
  const PATH = `${folder}:${process.env['PATH'] ?? ''}`
  const { status, stderr } = spawnSync('bash', [SIGN, 'ghcr.io/o/r@sha256:index', '--key', 'k'], {
    env: { ...process.env, PATH }, encoding: 'utf8'
  })
  t.equal(status, 0, stderr)
  return readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')
    .map((line) => line.replace(/ --predicate \S+/, ''))
}

t.test('each platform has its own SBOM and provenance, on its own digest', { skip: skipOrFail('jq') }, async (t) => {
  const attested = (type: string, digest: string): string =>
    `attest --yes --type ${type} --key k ghcr.io/o/r@sha256:${digest}`
  const read = (kind: string, platform: string, field: string): string =>
    `"{{ json (index .${kind} "${platform}").${field} }}"`
  t.strictSame(sign(t), [
    'sign --yes --recursive --key k ghcr.io/o/r@sha256:index',
    ...[['amd', 'linux/amd64'], ['arm', 'linux/arm64/v8']].flatMap(([digest = '', platform = '']) => [
      attested('spdxjson', digest), read('SBOM', platform, 'SPDX'),
      attested('slsaprovenance1', digest), read('Provenance', platform, 'SLSA')
    ])
  ])
})
