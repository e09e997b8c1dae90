import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { readCompose } from '../helpers/compose.ts'
import { type Container, startDockerApi } from '../helpers/docker-api.ts'
import { freePort } from '../helpers/free-port.ts'
import { makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { type Service, startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { mustFind } from '../helpers/servers.ts'
import { type RunningSimulator, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { settingsOf } from './https-stack.ts'

const ROOT = join(import.meta.dirname, '../..')

type Env = Readonly<Record<string, string>>
type ComposePlace = Readonly<{
  entry: number
  app: number
  forwardAuth: number
  link: OwnCert
  folder: string
  /** Of the compose file. */
  env: Env
  /** Beside those of the stack. */
  containers?: readonly Container[]
  /** Lines for own/authgear.yml, below its middlewares. */
  middlewares?: string
  /** Of own/, for Caddy: by name. */
  sites?: Env
  /** Of nginx' file, as it is about to be written. */
  edit?: (text: string, forwardAuth: number) => string
}>

/** The stacks' proxies, on their files; only addresses are others. */
export type Stack = Readonly<{
  file: string
  needs: 'traefik' | 'caddy' | 'nginx'
  start: (t: Test, place: ComposePlace) => Promise<void>
}>

export const NGINX: Stack = { file: 'deploy/compose/nginx.yml', needs: 'nginx', start: startNginx }

export const STACKS: readonly Stack[] = [
  { file: 'docker-compose.yml', needs: 'traefik', start: startTraefik },
  { file: 'deploy/compose/caddy.yml', needs: 'caddy', start: startCaddy },
  NGINX
]

/** Caddy of https-caddy.yml, whose sites here speak plain HTTP. */
export const OWN_CADDY: Stack = { file: 'deploy/compose/https-caddy.yml', needs: 'caddy', start: startOwnCaddy }

export const API = { uri: 'https://localhost/api', scopes: ['use'] }
const MACHINES = { resources: [API], machines: [{ id: 'machine', secret: 'its secret', scopes: API.scopes }] } as const
/** Of the machine, for the API. */
export async function tokenFrom ({ url }: RunningSimulator): Promise<string> {
  const { id, secret } = MACHINES.machines[0]
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: secret, resource: API.uri }
  const answer = await fetch(`${url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  return (await answer.json() as { access_token: string }).access_token
}

type PlaceOptions = Omit<ComposePlace, 'entry' | 'forwardAuth' | 'link' | 'folder'>
export type RunningStack = Readonly<{ entry: number, service: Service, authgear: RunningSimulator }>

/** With a simulated Authgear, and forward-auth as the compose file sets it. */
export async function startStack (
  t: Test, { file, needs, start }: Stack, given: PlaceOptions, settings: Env = {}
): Promise<RunningStack> {
  const link = makeOwnCert(t, '127.0.0.1', 'forward-auth')
  const authgear = await startSimulator(t, MACHINES)
  const service = await startProcess(t, {
    ...settingsOf(file, given.env),
    AUTHGEAR_ENDPOINT: authgear.url,
    LISTEN_TLS_CERT_FILE: link.certFile,
    LISTEN_TLS_KEY_FILE: link.keyFile,
    ...settings
  })
  const entry = await freePort()
  await start(t, { ...given, entry, forwardAuth: service.port, link, folder: tempDir(t, needs) })
  return { entry, service, authgear }
}

async function startTraefik (t: Test, place: ComposePlace): Promise<void> {
  const { entry, app, forwardAuth, link, folder, env, containers: more = [], middlewares = '' } = place
  const services = readCompose('docker-compose.yml', env)
  const here = (text: string): string => text
    .replaceAll('https://forward-auth:4180', `https://127.0.0.1:${forwardAuth}`)
    .replaceAll('/proxy-tls/ca.crt', link.caFile)
    .replace('=/authgear.yml', `=${folder}/authgear.yml`)
    .replace(/^(--entrypoints\.web\.address=):8080$/, (_, option: string) => `${option}127.0.0.1:${entry}`)
    .replace(/^(--entrypoints\.ping\.address=.*:)8082$/, (_, address: string) => `${address}0`)
    .replace(/^(--providers\.docker\.network=).*$/, '$1here')
    .replace(/^(--providers\.docker\.constraints=).*$/, '$1')
  const containers = ['forward-auth', 'app', 'authgear-simulator'].map((name) => ({
    name,
    labels: Object.fromEntries(Object.entries(services[name]?.labels ?? {}).map(([key, value]) => [
      key, key.endsWith('loadbalancer.server.port') ? String(app) : here(value)
    ]))
  }))
  const api = await startDockerApi(t, [...containers, ...more])
  const written = readFileSync(join(ROOT, 'deploy/compose/own/authgear.yml'), 'utf8')
  writeFileSync(join(folder, 'authgear.yml'), here(written.replace('  routers:\n', `${middlewares}  routers:\n`)))
  const args = [...(services['traefik']?.command ?? []).map(here), `--providers.docker.endpoint=${api}`]
  await startChild(t, {
    name: 'traefik',
    command: mustFind('traefik'),
    args,
    cwd: folder,
    env: services['traefik']?.environment ?? {},
    ready: async () => await hasRoutes(entry)
  })
}

async function startCaddy (t: Test, { entry, app, forwardAuth, link, folder, env }: ComposePlace): Promise<void> {
  const { environment } = readCompose('deploy/compose/caddy.yml', env)['caddy'] ?? {}
  const written = readFileSync(join(ROOT, 'deploy/compose/Caddyfile'), 'utf8')
    .replaceAll('https://forward-auth:4180', `https://127.0.0.1:${forwardAuth}`)
    .replaceAll('/proxy-tls/ca.crt', link.caFile)
    .replaceAll('app:8080', `127.0.0.1:${app}`)
    .replaceAll('authgear-simulator:3000', `127.0.0.1:${app}`)
    .replaceAll(':8080 {', `:${entry} {`)
    .replace('127.0.0.1:8082', `127.0.0.1:${await freePort()}`)
  writeFileSync(join(folder, 'Caddyfile'), written)
  await startChild(t, {
    name: 'caddy',
    command: mustFind('caddy'),
    args: ['run', '--config', 'Caddyfile'],
    cwd: folder,
    env: { ...environment, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: async () => await hasRoutes(entry)
  })
}

async function startOwnCaddy (t: Test, place: ComposePlace): Promise<void> {
  const { entry, app, forwardAuth, link, folder, env, sites = {} } = place
  const { environment } = readCompose('deploy/compose/https-caddy.yml', env)['caddy'] ?? {}
  for (const [name, site] of Object.entries(sites)) {
    const here = site.replace(/^(?=\S+ \{$)/m, 'http://').replace(/ \{$/m, `:${entry} {`)
    writeFileSync(join(folder, `${name}.caddy`), here.replaceAll(/(?<=reverse_proxy )\S+/g, `127.0.0.1:${app}`))
  }
  await startChild(t, {
    name: 'caddy',
    command: mustFind('caddy'),
    args: ['run', '--config', join(ROOT, 'deploy/compose/Caddyfile.https'), '--adapter', 'caddyfile'],
    cwd: folder,
    env: {
      ...environment,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
      APP_HOST: `http://localhost:${entry}`,
      APP: `127.0.0.1:${app}`,
      FORWARD_AUTH: `https://127.0.0.1:${forwardAuth}`,
      FORWARD_AUTH_TLS: `tls_trust_pool file ${link.caFile}`,
      OWN: folder,
      HEALTH_PORT: String(await freePort())
    },
    ready: async () => await hasRoutes(entry)
  })
}

async function startNginx (t: Test, { entry, app, forwardAuth, link, folder, edit }: ComposePlace): Promise<void> {
  const written = readFileSync(join(ROOT, 'deploy/compose/nginx.conf'), 'utf8')
    .replaceAll('/tmp/', `${folder}/`)
    .replace('/dev/stderr', 'stderr')
    .replace(/^ *resolver .*$/m, '')
    .replace(/ +server forward-auth:4180 resolve/, ` server 127.0.0.1:${forwardAuth}`)
    .replace(/ +server app:8080 resolve/, ` server 127.0.0.1:${app}`)
    .replace(/ +server authgear-simulator:3000 resolve/, ` server 127.0.0.1:${app}`)
    .replaceAll('/proxy-tls/ca.crt', link.caFile)
    .replaceAll('listen 8080', `listen 127.0.0.1:${entry}`)
    .replace('listen 127.0.0.1:8082', `listen 127.0.0.1:${await freePort()}`)
    .replaceAll(/include (authgear_\w+\.inc)/g, `include ${ROOT}/deploy/nginx-every-name/$1`)
  writeFileSync(join(folder, 'nginx.conf'), edit?.(written, forwardAuth) ?? written)
  await startChild(t, {
    name: 'nginx',
    command: mustFind('nginx'),
    args: ['-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'],
    cwd: folder,
    ready: async () => await hasRoutes(entry)
  })
}

/** The entry's own answer to nobody: Traefik listens before it knows its routes; one that starts may also hang up. */
async function hasRoutes (port: number): Promise<boolean> {
  return await ask(port, { host: 'localhost' }).then(({ status }) => status === 401, () => false)
}
