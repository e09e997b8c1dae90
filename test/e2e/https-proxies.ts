import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { startChild } from '../helpers/child.ts'
import { type ComposeService, readCompose } from '../helpers/compose.ts'
import { type DockerApi, openDockerApi } from '../helpers/docker-api.ts'
import { freePort } from '../helpers/free-port.ts'
import { mustFind } from '../helpers/servers.ts'
import { answers } from '../helpers/until.ts'
import { filesOf } from '../unit/commands/snippet-of.ts'
import { APP_HOST, NAS_HOST, type HttpsPlace, TEAM_HOST, WIKI_HOST } from './https-stack.ts'
import { readSnippet, swap } from './snippets.ts'

const ROOT = join(import.meta.dirname, '../..')

const asServer = (services: Readonly<Record<string, ComposeService>>, name: string): ComposeService => {
  const service = services[name]
  if (service === undefined) throw new Error(`the compose file has no service ${name}`)
  return service
}

/** More of its options, and variables of acme.env; `isAlone`: no app but the first one is there. */
type More = Readonly<{ options?: readonly string[], env?: Readonly<Record<string, string>>, isAlone?: true }>

/** Traefik behind which there are other apps from the start. */
export async function startTraefik (t: Test, place: HttpsPlace, more: More = {}): Promise<void> {
  await runTraefik(t, place, more)
}

/** Traefik by the command and the labels of the compose file; only addresses are others. @returns its Docker */
export async function runTraefik (t: Test, place: HttpsPlace, more: More): Promise<DockerApi> {
  const { ports, pebble, folder, env } = place
  const services = readCompose('deploy/compose/https.yml', { ...env, ACME_DIRECTORY: pebble.url })
  const here = (text: string): string => text
    .replaceAll('https://forward-auth:4180', `https://127.0.0.1:${place.forwardAuth}`)
    .replaceAll('/proxy-tls/ca.crt', place.link.caFile)
    .replace(/^(--entrypoints\.http\.address=):8080$/, (_, option: string) => `${option}127.0.0.1:${ports.http}`)
    .replace(/^(--entrypoints\.web\.address=):8443$/, (_, option: string) => `${option}127.0.0.1:${ports.https}`)
    .replace(/^(--entrypoints\.ping\.address=.*:)8082$/, (_, address: string) => `${address}0`)
    .replace('=/acme/', `=${folder}/`)
    .replace('=/own', `=${folder}/own`)
    .replace(/^(--providers\.docker\.network=).*$/, '$1here')
  const labels = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(asServer(services, name).labels ?? {}).map(([key, value]) => [
      key, key.endsWith('services.app.loadbalancer.server.port') ? String(ports.app) : here(value)
    ]))
  const wiki = { name: 'wiki', labels: wikiLabels(ports.app) }
  const team = { name: 'team', labels: teamLabels(ports.app, here) }
  const others = more.isAlone ? [] : [wiki, team]
  const containers = [...['forward-auth', 'app'].map((name) => ({ name, labels: labels(name) })), ...others]
  const api = await openDockerApi(t, containers)
  const middlewares = readFileSync(join(ROOT, 'deploy/compose/own/authgear.yml'), 'utf8')
  writeFileSync(join(folder, 'own/authgear.yml'), here(middlewares))
  writeFileSync(join(folder, 'own/app.yml'), anotherApp('app.yml.example', NAS_HOST, ports.nas))
  await startChild(t, {
    name: 'traefik',
    command: mustFind('traefik'),
    args: [
      ...(asServer(services, 'traefik').command ?? []).map(here), `--providers.docker.endpoint=${api.url}`,
      ...more.options ?? []
    ],
    cwd: folder,
    env: { ...asServer(services, 'traefik').environment, LEGO_CA_CERTIFICATES: pebble.caFile, ...more.env },
    ready: () => answers(ports.https)
  })
  return api
}

const DNS_HOOK = `#!/bin/sh
[ "$1" = present ] && path=set-txt || path=clear-txt
exec curl -sf -d "{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}" "$DNS_MANAGEMENT/$path"
`

/** The same, by a record in the DNS: a script stands for the provider's API. */
export async function startTraefikWithDns (t: Test, place: HttpsPlace): Promise<void> {
  const { pebble: { dns, dnsManagement }, folder } = place
  const hook = join(folder, 'dns-hook')
  writeFileSync(hook, DNS_HOOK, { mode: 0o755 })
  const option = '--certificatesresolvers.acme.acme.dnschallenge'
  await startTraefik(t, place, {
    options: [`${option}.resolvers=${dns}`, `${option}.propagation.disablechecks=true`],
    env: { EXEC_PATH: hook, DNS_MANAGEMENT: dnsManagement }
  })
}

/** The own certificate, as own/certificate.yml.example has it. */
export async function startTraefikWithOwn (t: Test, place: HttpsPlace): Promise<void> {
  const example = readFileSync(join(ROOT, 'deploy/compose/own/certificate.yml.example'), 'utf8')
  writeFileSync(join(place.folder, 'own/certificate.yml'), example.replaceAll('/own/', `${place.folder}/own/`))
  await startTraefik(t, place)
}

/** The four labels of docs/second-app.md. */
export function wikiLabels (port: number): Readonly<Record<string, string>> {
  const block = readSnippet('second-app.md', 'a second app')
  const lines = [...block.matchAll(/^ +- (traefik\.[^=\n]+)=(.*)$/gm)].map(([, key = '', value = '']) => [
    key, value.replaceAll('wiki.example.com', WIKI_HOST).replace(/^8080$/, String(port))
  ])
  if (lines.length !== 4) throw new Error(`docs/second-app.md has ${lines.length} labels`)
  return Object.fromEntries(lines)
}

/** By the command of docs/second-app.md. */
function teamLabels (port: number, here: (text: string) => string): Readonly<Record<string, string>> {
  const page = readFileSync(join(ROOT, 'docs/second-app.md'), 'utf8')
  const [, command = ''] = /^(?:node dist\/main.js|npx authgear-forward-auth) snippet (traefik-labels .+)$/m.exec(page) ?? []
  const [proxy = '', ...args] = command.replaceAll("'", '').split(' ')
  const { services } = parse(filesOf(proxy, ...args)['traefik-labels.yml'] ?? '') as { services: Services }
  const labels = services['wiki']?.labels ?? []
  return Object.fromEntries(labels.map((label) => {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(label) ?? []
    const said = here(value.replaceAll('$$', '$').replaceAll('wiki.example.com', TEAM_HOST)).replaceAll('wiki', 'team')
    return [key.replaceAll('wiki', 'team'), key.endsWith('server.port') ? String(port) : said]
  }))
}

type Services = Readonly<Record<string, Readonly<{ labels?: readonly string[] }>>>

/** The example of an app that is not in Docker, for that host and port. */
const anotherApp = (example: string, host: string, port: number): string =>
  swap(swap(readFileSync(join(ROOT, 'deploy/compose/own', example), 'utf8'), /nas\.example\.com/, host),
    'host.docker.internal:5000', `127.0.0.1:${port}`)

/** Caddy on Caddyfile.https, with the environment of the compose file; only addresses are others. */
export async function startCaddy (t: Test, place: HttpsPlace): Promise<void> {
  const { ports, folder, env, link } = place
  const { environment = {} } = asServer(readCompose('deploy/compose/https-caddy.yml', env), 'caddy')
  writeFileSync(join(folder, 'own/nas.caddy'), anotherApp('app.caddy.example', NAS_HOST, ports.nas))
  writeFileSync(join(folder, 'own/wiki.caddy'), anotherApp('app.caddy.example', WIKI_HOST, ports.app))
  await runCaddy(t, place, join(ROOT, 'deploy/compose/Caddyfile.https'), {
    ...environment,
    APP: `127.0.0.1:${ports.app}`,
    FORWARD_AUTH: `https://127.0.0.1:${place.forwardAuth}`,
    FORWARD_AUTH_TLS: `tls_trust_pool file ${link.caFile}`,
    CADDY_GLOBAL: `${environment['CADDY_GLOBAL'] ?? ''}\n${globalsOf(place)}`,
    CADDY_TLS: (environment['CADDY_TLS'] ?? '').replaceAll('/own', `${folder}/own`),
    OWN: join(folder, 'own'),
    HEALTH_PORT: String(await freePort())
  })
}

/** The Caddyfile of ten lines in README.md, as a reader copies it. */
export async function startReadmeCaddy (t: Test, place: HttpsPlace): Promise<void> {
  const { ports, folder, forwardAuth } = place
  const [, written = ''] = /```caddyfile title="one app"\n([^]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, `{\n${globalsOf(place)}\nadmin off\n}\n` + [
    ['import deploy/compose/authgear.caddy', `import ${ROOT}/deploy/compose/authgear.caddy`],
    ['app.example.com', APP_HOST],
    ['127.0.0.1:8080', `127.0.0.1:${ports.app}`]
  ].reduce((text, [from = '', to = '']) => swap(text, from, to), written))
  await runCaddy(t, place, file, { FORWARD_AUTH: `127.0.0.1:${forwardAuth}` })
}

const globalsOf = ({ ports, pebble }: HttpsPlace): string => [
  `http_port ${ports.http}`, `https_port ${ports.https}`, 'default_bind 127.0.0.1',
  `acme_ca ${pebble.url}`, `acme_ca_root ${pebble.caFile}`
].join('\n')

async function runCaddy (
  t: Test, { ports, folder }: HttpsPlace, file: string, env: Readonly<Record<string, string>>
): Promise<void> {
  await startChild(t, {
    name: 'caddy',
    command: mustFind('caddy'),
    args: ['run', '--config', file, '--adapter', 'caddyfile'],
    cwd: folder,
    env: { ...env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => answers(ports.https)
  })
}
