import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { readCompose } from '../helpers/compose.ts'
import { startDockerApi } from '../helpers/docker-api.ts'
import { freePort } from '../helpers/free-port.ts'
import { makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { disabledEvent, sign, WEBHOOK_SECRET } from '../helpers/webhook.ts'
import { settingsOf, startApp } from './https-stack.ts'

const ROOT = join(import.meta.dirname, '../..')
const EVENT = disabledEvent(demo.dora.id)
const ENV = { AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }

type Place = Readonly<{ entry: number, app: number, forwardAuth: number, link: OwnCert, folder: string }>

/** The demo's proxies on the files of the stacks; only addresses are others. */
type Stack = Readonly<{
  file: string
  needs: 'traefik' | 'caddy' | 'nginx'
  start: (t: Test, place: Place) => Promise<void>
}>

const STACKS: readonly Stack[] = [
  { file: 'docker-compose.yml', needs: 'traefik', start: startTraefik },
  { file: 'deploy/compose/caddy.yml', needs: 'caddy', start: startCaddy },
  { file: 'deploy/compose/nginx.yml', needs: 'nginx', start: startNginx }
]

for (const { file, needs, start } of STACKS) {
  t.test(`${file}: Authgear's webhook comes in, and nothing else beside the login does`, {
    skip: skipOrFail('docker-compose', needs)
  }, async (t) => {
    const link = makeOwnCert(t, '127.0.0.1', 'forward-auth')
    const service = await startProcess(t, {
      ...settingsOf(file, ENV),
      AUTHGEAR_ENDPOINT: (await startSimulator(t)).url,
      LISTEN_TLS_CERT_FILE: link.certFile,
      LISTEN_TLS_KEY_FILE: link.keyFile
    })
    const [entry, app] = [await freePort(), await freePort()]
    await startApp(t, app)
    const place = { entry, app, forwardAuth: service.port, link, folder: tempDir(t, needs) }
    await start(t, place)
    const post = (path: string, signature: string, method = 'POST'): Promise<number> =>
      statusOf(entry, method, path, signature)
    t.equal(await post('/_auth/webhook', sign(EVENT)), 204, 'signed by Authgear')
    t.equal(await post('/_auth/webhook', sign('another body')), 401, 'by somebody else')
    t.ok([401, 403].includes(await post('/_auth/webhook', sign(EVENT), 'PUT')), 'another method')
    for (const path of ['/_auth/webhook/', '/_auth/webhook/x', '/webhook', '/_auth/verify', '/verify']) {
      t.equal(await post(path, sign(EVENT)), 401, `${path} is the app's, for people who are signed in`)
    }
    t.ok((await post('/_auth/%77ebhook', sign(EVENT))) !== 200, 'another spelling is not let in')
  })
}

async function startTraefik (t: Test, { entry, app, forwardAuth, link, folder }: Place): Promise<void> {
  const services = readCompose('docker-compose.yml', ENV)
  const here = (text: string): string => text
    .replaceAll('https://forward-auth:4180', `https://127.0.0.1:${forwardAuth}`)
    .replaceAll('/proxy-tls/ca.crt', link.caFile)
    .replace('=/authgear.yml', `=${folder}/authgear.yml`)
    .replace(/^(--entrypoints\.web\.address=):8080$/, (_, option: string) => `${option}127.0.0.1:${entry}`)
    .replace(/^(--entrypoints\.ping\.address=.*:)8082$/, (_, address: string) => `${address}0`)
    .replace(/^(--providers\.docker\.network=).*$/, '$1here')
    .replace(/^(--providers\.docker\.constraints=).*$/, '$1')
  const containers = ['forward-auth', 'app'].map((name) => ({
    name,
    labels: Object.fromEntries(Object.entries(services[name]?.labels ?? {}).map(([key, value]) => [
      key, key.endsWith('services.app.loadbalancer.server.port') ? String(app) : here(value)
    ]))
  }))
  const api = await startDockerApi(t, containers)
  writeFileSync(join(folder, 'authgear.yml'), here(readFileSync(join(ROOT, 'deploy/compose/own/authgear.yml'), 'utf8')))
  const args = [...(services['traefik']?.command ?? []).map(here), `--providers.docker.endpoint=${api}`]
  await startChild(t, {
    name: 'traefik', command: mustFind('traefik'), args, cwd: folder, ready: async () => await hasRoutes(entry)
  })
}

async function startCaddy (t: Test, { entry, app, forwardAuth, link, folder }: Place): Promise<void> {
  const { environment } = readCompose('deploy/compose/caddy.yml', ENV)['caddy'] ?? {}
  const written = readFileSync(join(ROOT, 'deploy/compose/Caddyfile'), 'utf8')
    .replaceAll('https://forward-auth:4180', `https://127.0.0.1:${forwardAuth}`)
    .replaceAll('/proxy-tls/ca.crt', link.caFile)
    .replaceAll('app:8080', `127.0.0.1:${app}`)
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

async function startNginx (t: Test, { entry, app, forwardAuth, link, folder }: Place): Promise<void> {
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
    .replaceAll(/include (authgear_\w+\.inc)/g, `include ${ROOT}/deploy/nginx/$1`)
  writeFileSync(join(folder, 'nginx.conf'), written)
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
  return await statusOf(port, 'GET', '/', '').then((status) => status === 401, () => false)
}

async function statusOf (port: number, method: string, path: string, signature: string): Promise<number> {
  const headers = [['x-authgear-body-signature', signature]] as const
  return (await ask(port, { host: 'localhost', method, path, headers, body: method === 'GET' ? '' : EVENT })).status
}
