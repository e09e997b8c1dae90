import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { readCompose } from '../helpers/compose.ts'
import { startDockerApi } from '../helpers/docker-api.ts'
import { type EchoApp, startEchoApp } from '../helpers/echo-app.ts'
import { freePort } from '../helpers/free-port.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { createPerson, type Person, type Site } from '../helpers/person.ts'
import { startProcess } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { type Answer, ask, type Asked, HOST } from '../helpers/request.ts'
import { mustFind } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const ROOT = join(import.meta.dirname, '../..')
type Texts = Readonly<Record<string, string>>
type Parts = Readonly<{ labels: Texts, environment: Texts }>

/** A web interface that deploys the template behind its own Traefik, which has these two entry points. */
export type Panel = Readonly<{ file: string, plain: string, secure: string, read: (filled: Texts) => Parts }>

/** What the user fills in, except ALLOW. */
export const FILLED: Texts = {
  AUTHGEAR_ENDPOINT: 'https://auth.example.com', LOGIN_CLIENT_ID: 'web', LOGIN_PUBLIC_URL: `https://${HOST}`
}
const PASSWORD = 'p'.repeat(64)
const passwords = (...names: readonly string[]): Texts => Object.fromEntries(names.map((name) => [name, PASSWORD]))

/** The template's container, with the variables that the panel generates. */
const compose = (file: string, ...generated: readonly string[]) => (filled: Texts): Parts => {
  const { labels = {}, environment = {} } =
    readCompose(file, { ...passwords(...generated), ...filled })['authgear-forward-auth'] ?? {}
  return { labels, environment }
}

export type Template = Readonly<{ tag: string, version: string, texts: Texts, configs: readonly Texts[] }>

const XML = `import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(json.dumps({ 'tag': root.tag, 'version': root.get('version'),
  'texts': {one.tag: one.text or '' for one in root if one.tag != 'Config'},
  'configs': [{**one.attrib, 'text': one.text or ''} for one in root.iter('Config')] }))`
const TOML = 'import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))'
const byPython = (script: string, file: string): unknown =>
  JSON.parse(execFileSync('python3', ['-c', script, join(ROOT, file)], { encoding: 'utf8' }))
export const readTemplate = (file: string): Template => byPython(XML, file) as Template
export const readToml = (file: string): unknown => byPython(TOML, file)

/** As Unraid's form passes them to `docker run`. */
const template = (file: string) => (filled: Texts): Parts => {
  const values: Texts = {
    ...passwords('LOGIN_SECRET', 'CACHE_SECRET', 'REDIS_PASSWORD'), REDIS_URL: 'redis://authgear-valkey:6379', ...filled
  }
  const of = (type: string): Texts => Object.fromEntries(readTemplate(file).configs
    .filter(({ Type }) => Type === type)
    .map(({ Target = '', text = '' }) => [Target, values[Target] ?? text]))
  return { labels: of('Label'), environment: of('Variable') }
}

export const COOLIFY = 'deploy/coolify/authgear-forward-auth.yaml'
export const DOKPLOY = 'deploy/dokploy/docker-compose.yml'
export const UNRAID = 'deploy/unraid/authgear-forward-auth.xml'
export const PANELS: readonly Panel[] = [
  {
    file: COOLIFY,
    plain: 'http',
    secure: 'https',
    read: compose(COOLIFY, ...['LOGIN', 'CACHE', 'VALKEY'].map((name) => `SERVICE_PASSWORD_64_${name}`))
  },
  {
    file: DOKPLOY,
    plain: 'web',
    secure: 'websecure',
    read: compose(DOKPLOY, 'LOGIN_SECRET', 'CACHE_SECRET', 'VALKEY_PASSWORD')
  },
  { file: UNRAID, plain: 'web', secure: 'websecure', read: template(UNRAID) }
]

/** An app's labels, as a panel makes them for its domain with the middleware added. */
const appLabels = (secure: string, port: number): Texts => ({
  'traefik.enable': 'true',
  'traefik.http.routers.app.rule': `Host(\`${HOST}\`)`,
  'traefik.http.routers.app.entrypoints': secure,
  'traefik.http.routers.app.tls': 'true',
  'traefik.http.routers.app.middlewares': 'authgear@docker',
  'traefik.http.services.app.loadbalancer.server.port': String(port)
})

type Options = Readonly<{
  /** Leaves out forward-auth's container. */
  away?: true
  /** Doubles each `$` of a label once more, as Coolify may. */
  escaped?: boolean
}>
export type Running = Readonly<{
  app: EchoApp
  person: Person
  authgear: string
  over: (asked: Asked) => Promise<Answer>
}>

/** Starts the panel's Traefik without any option of ours, Authgear's simulator, Redis, forward-auth and an app. */
export async function startPanel (t: Test, panel: Panel, { away, escaped = false }: Options = {}): Promise<Running> {
  const { labels, environment } = panel.read({ ...FILLED, ALLOW: 'role=admin' })
  const page = (name: string): string[] => [`https://${HOST}/_auth/${name}`]
  const authgear = await startSimulator(t, {
    clients: [{ id: 'web', redirectUris: page('callback'), postLogoutRedirectUris: page('logged-out') }]
  })
  const redis = await startRedis(t, { password: PASSWORD })
  const service = await startProcess(t, {
    ...environment,
    AUTHGEAR_ENDPOINT: authgear.url,
    REDIS_URL: (environment['REDIS_URL'] ?? '').replace('authgear-valkey:6379', `127.0.0.1:${redis.port}`)
  })
  const here = (text: string): string => text
    .replace('authgear-forward-auth:4180', `127.0.0.1:${service.port}`)
    .replace(/^4180$/, String(service.port))
    .replaceAll('$', () => escaped ? '$$' : '$')
  const app = await startEchoApp(t)
  const own = Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, here(value)]))
  const docker = await startDockerApi(t, [
    { name: 'app', labels: appLabels(panel.secure, app.port) },
    ...away === true ? [] : [{ name: 'forward-auth', labels: own }]
  ])
  const over = await startTraefik(t, panel, docker, away === true ? 404 : 401)
  const { host } = new URL(authgear.url)
  const site = (send: (asked: Asked) => Promise<Answer>): Site =>
    ({ headers, ...asked }) => send({ ...asked, headers: Object.entries(headers) })
  const person = createPerson({
    [HOST]: site(over), [host]: site((asked) => ask(authgear.port, { ...asked, host }))
  })
  return { app, person, authgear: authgear.url, over }
}

/** @returns a client of its TLS entry point, once the app's host answers `first` */
async function startTraefik (
  t: Test, { plain, secure }: Panel, docker: string, first: number
): Promise<Running['over']> {
  const entry = await freePort()
  const { caFile, certFile, keyFile } = makeOwnCert(t, HOST)
  const file = join(tempDir(t, 'panel'), 'tls.yml')
  writeFileSync(file, JSON.stringify({ tls: { stores: { default: { defaultCertificate: { certFile, keyFile } } } } }))
  const ca = readFileSync(caFile)
  const over = (asked: Asked): Promise<Answer> => ask(entry, { ...asked, tls: { ca } })
  await startChild(t, {
    name: 'traefik',
    command: mustFind('traefik'),
    args: [
      '--providers.docker=true',
      '--providers.docker.exposedbydefault=false',
      `--providers.docker.endpoint=${docker}`,
      `--providers.file.filename=${file}`,
      `--entrypoints.${plain}.address=127.0.0.1:${await freePort()}`,
      `--entrypoints.${secure}.address=127.0.0.1:${entry}`,
      '--global.checknewversion=false'
    ],
    ready: () => over({}).then(({ status }) => status === first, () => false)
  })
  return over
}
