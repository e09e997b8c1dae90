import type { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { Browser } from 'playwright-core'
import type { Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { readCompose } from '../helpers/compose.ts'
import { freePort } from '../helpers/free-port.ts'
import { keyOf, makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { type Pebble, startPebble } from '../helpers/pebble.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { answers, until } from '../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../..')
export const APP_HOST = 'app.home.example'
export const WIKI_HOST = 'wiki.home.example'
export const TEAM_HOST = 'team.home.example'
export const NAS_HOST = 'nas.home.example'
const AUTHGEAR_HOST = 'auth.home.example'
export const APP = `https://${APP_HOST}`
const AUTHGEAR = `https://${AUTHGEAR_HOST}`

const ORIGINS = [APP_HOST, WIKI_HOST, TEAM_HOST, NAS_HOST].map((host) => `https://${host}`)

/** The six lines of `.env`, but for the file that is named on the command line. */
const SIX_LINES: Readonly<Record<string, string>> = {
  APP_HOST, AUTHGEAR_ENDPOINT: AUTHGEAR, LOGIN_CLIENT_ID: 'web', ALLOW: 'anyone', ACME_EMAIL: 'me@home.example'
}

/** The ports of one stack on this machine. */
type Ports = Readonly<{ http: number, https: number, app: number, nas: number }>

/** What a proxy is started with. */
export interface HttpsPlace {
  readonly ports: Ports
  readonly pebble: Pebble
  /** Of forward-auth, over TLS. */
  readonly forwardAuth: number
  readonly link: OwnCert
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** A proxy of the stacks in deploy/compose, and of README.md, on this machine's programs. */
export interface Stack {
  readonly name: string
  readonly file: string
  /** What `.env` has beside the six lines. */
  readonly env?: Readonly<Record<string, string>>
  /** The certificate is not Pebble's but the own one, in the folder `own`. */
  readonly ownCertificate?: true
  /** By sessions of our own: Authgear is on another domain, and each host has the login. */
  readonly own?: true
  /** forward-auth speaks plain HTTP, as in one container on one machine. */
  readonly plain?: true
  start (t: Test, place: HttpsPlace): Promise<void>
}

export interface Running {
  readonly pebble: Pebble
  readonly ports: Ports
  readonly authgear: RunningSimulator
  /** Where Authgear's pages are. */
  readonly pages: string
  readonly service: Service
  /** With these lines of `.env` instead: as roll.sh, but the old one ends first, since both have one address here. */
  readonly roll: (env: Readonly<Record<string, string>>) => Promise<void>
  readonly browser: Browser
  /** The certificate that the proxy shows for that host, after the chain was verified. */
  readonly certificate: X509Certificate
}

export async function startStack (t: Test, stack: Stack): Promise<Running> {
  const ports: Ports = {
    http: await freePort(), https: await freePort(), app: await freePort(), nas: await freePort()
  }
  const [pebble, link, outer] = [
    await startPebble(t, ports.http), makeOwnCert(t, '127.0.0.1'), makeOwnCert(t, AUTHGEAR_HOST, '127.0.0.1', APP_HOST)
  ]
  const authgear = await startAuthgear(t, outer, stack.own ? '' : 'home.example')
  const pages = stack.own ? `https://127.0.0.1:${authgear.port}` : AUTHGEAR
  const others = stack.own
    ? { LOGIN_SESSION: 'own', LOGIN_PUBLIC_URL: ORIGINS.join() }
    : { LOGIN_ALLOWED_HOSTS: [WIKI_HOST, TEAM_HOST, NAS_HOST].join() }
  const env = { ...SIX_LINES, AUTHGEAR_ENDPOINT: pages, ...others, ...stack.env }
  const making = { stack, env, link, outer, authgear }
  const service = await startForwardAuth(t, making)
  const roll: Running['roll'] = async (changed) => {
    await service.stop()
    await startForwardAuth(t, { ...making, env: { ...env, ...changed } }, service.port)
  }
  for (const port of [ports.app, ports.nas]) await startApp(t, port)
  const folder = tempDir(t, 'https')
  mkdirSync(join(folder, 'own'))
  copyFileSync(outer.certFile, join(folder, 'own/tls.crt'))
  copyFileSync(outer.keyFile, join(folder, 'own/tls.key'))
  await stack.start(t, { ports, pebble, forwardAuth: service.port, link, folder, env })
  const ca = stack.ownCertificate ? readFileSync(outer.caFile, 'utf8') : pebble.root
  let certificate: X509Certificate | undefined
  await until('a certificate that the CA signed', async () => {
    certificate = await certificateAt(ports.https, APP_HOST, ca)
    return certificate !== undefined
  })
  if (certificate === undefined) throw new Error('no certificate')
  const browser = await startBrowser(t, { ports, authgear, pebble, outer })
  return { pebble, ports, authgear, pages, service, roll, certificate, browser }
}

function startAuthgear (t: Test, { certFile, keyFile }: OwnCert, cookieDomain: string): Promise<RunningSimulator> {
  return startSimulator(t, {
    cookieDomain,
    tls: { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') },
    clients: [
      {
        id: 'web',
        redirectUris: ORIGINS.map((origin) => `${origin}/_auth/callback`),
        postLogoutRedirectUris: ORIGINS.map((origin) => `${origin}/_auth/logged-out`)
      }
    ]
  })
}

type Making = Readonly<{
  stack: Stack
  env: Readonly<Record<string, string>>
  link: OwnCert
  outer: OwnCert
  authgear: RunningSimulator
}>

/** Of forward-auth in the compose file, but for what is another container there. */
export function settingsOf (file: string, env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const all = readCompose(file, env)['forward-auth']?.environment ?? {}
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/^REDIS_|^CACHE_SECRET|_FILE$/.test(name)))
}

function startForwardAuth (
  t: Test, { stack, env, link, outer, authgear }: Making, port?: number
): Promise<Service> {
  return startProcess(t, {
    ...settingsOf(stack.file, env),
    AUTHGEAR_RESOLVER_URL: `https://127.0.0.1:${authgear.port}/_resolver/resolve`,
    AUTHGEAR_CA_FILE: outer.caFile,
    LOGIN_SECRET: 'a secret of this test, longer than 32 bytes',
    ...stack.plain ? {} : { LISTEN_TLS_CERT_FILE: link.certFile, LISTEN_TLS_KEY_FILE: link.keyFile }
  }, port === undefined ? {} : { port })
}

/** The demo's app. */
export async function startApp (t: Test, port: number): Promise<void> {
  await startChild(t, {
    name: 'app',
    command: process.execPath,
    args: [join(ROOT, 'deploy/demo/app.mjs')],
    env: { PORT: String(port), LOGIN_PATH: '/_auth/logout' },
    ready: () => answers(port)
  })
}

type Reached = Readonly<{ ports: Ports, authgear: RunningSimulator, pebble: Pebble, outer: OwnCert }>

/** It knows the names of the stack only, and believes Pebble, Authgear's certificate and no other. */
async function startBrowser (t: Test, { ports, authgear, pebble, outer }: Reached): Promise<Browser> {
  const rules = [APP_HOST, WIKI_HOST, TEAM_HOST, NAS_HOST].flatMap((host) => [
    `MAP ${host}:443 127.0.0.1:${ports.https}`, `MAP ${host}:80 127.0.0.1:${ports.http}`
  ])
  const browser = await launchChromium([
    `--host-resolver-rules=${rules.join(', ')}, MAP ${AUTHGEAR_HOST}:443 127.0.0.1:${authgear.port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
    `--ignore-certificate-errors-spki-list=${[pebble.intermediate, readFileSync(outer.certFile)].map(keyOf).join()}`
  ])
  t.teardown(() => browser.close())
  return browser
}

/** undefined: nobody there, or nobody with a certificate for that name that this CA signed. */
export function certificateAt (port: number, servername: string, ca: string): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca }, () => {
      resolve(socket.getPeerX509Certificate())
      socket.destroy()
    })
    socket.once('error', () => resolve(undefined))
  })
}
