// Collects every Kubernetes resource that we ship into a folder, one file each: yaml.mjs FOLDER. `list` in it says
// where each is from: deploy/, the pages in docs/, what `snippet` prints. A file counts when each of its documents has
// apiVersion and kind.
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , folder] = process.argv
const PROXIES = [
  'traefik-kubernetes', 'gateway-api', 'envoy-gateway', 'envoy-gateway-grpc'
]
const OPTIONS = [
  [], ['--login'], ['--policy', '/admin=role=admin'], ['--identity', 'remote', '--assertion'],
  ['--resource', 'https://app.example.com/mcp=/mcp', '--scope', 'read']
]
// what an API server never sees: kubectl's own
const NOT_SENT = /^kind: Kustomization$/m

const documents = (text) => text.split(/^---.*$/m).filter((part) => part.replace(/^\s*#.*$/gm, '').trim() !== '')
const isSent = (text) => documents(text).length > 0 &&
  documents(text).every((part) => /^apiVersion: /m.test(part) && /^kind: /m.test(part) && !NOT_SENT.test(part))

function shipped () {
  const isYaml = (name) => /\.ya?ml$/.test(name) && !name.includes('templates/')
  const files = readdirSync('deploy', { recursive: true }).filter(isYaml)
  return files.map((name) => ({ from: `deploy/${name}`, text: readFileSync(`deploy/${name}`, 'utf8') }))
}

function documented () {
  const pages = readdirSync('docs', { recursive: true }).filter((name) => name.endsWith('.md'))
  return pages.flatMap((page) => {
    const blocks = readFileSync(`docs/${page}`, 'utf8').matchAll(/^```ya?ml\n(.*?)^```/gms)
    return [...blocks].map(([, text]) => ({ from: `docs/${page}`, text }))
  })
}

// a proxy that cannot have an option says so, and exits with 1
function printed () {
  return PROXIES.flatMap((proxy) => OPTIONS.flatMap((options, i) => {
    const out = join(folder, 'snippets', proxy, String(i))
    const command = ['dist/main.js', 'snippet', proxy, ...options, '--out', out]
    const { status, stderr } = spawnSync('node', command, { encoding: 'utf8' })
    if (status !== 0 && !/^error: --(login|policy|identity|resource)/.test(stderr)) throw new Error(`${proxy} ${options}: ${stderr}`)
    if (status !== 0) return []
    const files = readdirSync(out).filter((name) => name.endsWith('.yaml'))
    return files.map((name) => (
      { from: ['snippet', proxy, ...options, name].join(' '), text: readFileSync(join(out, name), 'utf8') }
    ))
  }))
}

const resources = [...shipped(), ...documented(), ...printed()].filter(({ text }) => isSent(text))
mkdirSync(join(folder, 'admit'), { recursive: true })
for (const [i, { from, text }] of resources.entries()) {
  const file = join(folder, 'admit', `${String(i).padStart(3, '0')}.yaml`)
  writeFileSync(file, text)
  appendFileSync(join(folder, 'list'), `${file}\t${documents(text).length}\t${from}\n`)
}
