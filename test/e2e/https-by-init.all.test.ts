import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { startProcess } from '../helpers/process.ts'
import { ask, HOST, type HeaderLine } from '../helpers/request.ts'
import { mustFind, type ServerName, skipOrFail } from '../helpers/servers.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { filesIn, tempDir } from '../helpers/temp-dir.ts'
import { makeTls, type TlsFiles } from '../helpers/tls.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')
const PAGE: readonly HeaderLine[] = [
  ['Accept', 'text/html'], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']
]

type Place = Readonly<{ folder: string, http: number, https: number, forwardAuth: number, app: number, tls: TlsFiles }>
type Row = Readonly<{
  proxy: ServerName
  args: readonly string[]
  /** Other ports, and certificates without the internet. */
  edit: (text: string, place: Place) => string
}>

const ROWS: readonly Row[] = [
  {
    proxy: 'caddy',
    args: ['run', '--config', 'Caddyfile'],
    edit: (text, { http, https }) =>
      text.replace('\tadmin off\n', `\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port ${http}\n\thttps_port ${https}\n`)
  },
  {
    proxy: 'traefik',
    args: ['--configFile=traefik.yml'],
    edit: (text, { http, https, tls }) => text.replace('":80"', `":${http}"`).replace('":443"', `":${https}"`)
      .replace('tls: { certResolver: letsencrypt }', 'tls: {}')
      .replace(/^http:\n/m, `tls:\n  certificates: [{ certFile: ${tls.certFile}, keyFile: ${tls.keyFile} }]\nhttp:\n`)
  },
  {
    proxy: 'nginx',
    args: ['-p', '.', '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; master_process off;'],
    edit: (text, { http, https, tls }) => text.replace(/listen (\[::\]:)?80\b/g, `listen $1${http}`)
      .replace(/listen (\[::\]:)?443\b/g, `listen $1${https}`)
      .replace('/etc/ssl/certs/ca-certificates.crt', tls.caFile)
  }
]

/** An app that speaks HTTPS alone. */
async function startSecureApp (t: Test, { certFile, keyFile }: TlsFiles) {
  const users: unknown[] = []
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    users.push(request.headers['x-authgear-user-id'])
    response.end('this is the app')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { port: (server.address() as AddressInfo).port, users }
}

async function start (t: Test, { proxy, args, edit }: Row) {
  const tls = makeTls(t, [HOST])
  const app = await startSecureApp(t, tls)
  const [http, https, forwardAuth] = [await freePort(), await freePort(), await freePort()]
  const folder = join(tempDir(t, proxy), 'made')
  const redirectUris = [`https://${HOST}/_auth/callback`]
  const postLogoutRedirectUris = [`https://${HOST}/_auth/logged-out`]
  const authgear = await startSimulator(t, {
    hosts: ['127.0.0.1'], clients: [{ id: 'web', redirectUris, postLogoutRedirectUris }]
  })
  const { stdout } = await promisify(execFile)(process.execPath, [
    MAIN, 'init', '--yes', '--proxy', proxy, '--host', HOST, '--endpoint', authgear.url, '--client', 'web',
    '--allow', 'anyone', '--folder', folder, '--app', `https://localhost:${app.port}`
  ])
  const place = { folder, http, https, forwardAuth, app: app.port, tls }
  for (const file of filesIn(folder)) {
    const text = readFileSync(join(folder, file), 'utf8').replaceAll(/127[.]0[.]0[.]1:4180\b/g, `127.0.0.1:${forwardAuth}`)
    writeFileSync(join(folder, file), edit(text, place))
  }
  copyFileSync(tls.certFile, join(folder, 'fullchain.pem'))
  copyFileSync(tls.keyFile, join(folder, 'privkey.pem'))
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8')) as Record<string, string>
  await startProcess(t, env, { port: forwardAuth })
  const ca = (): string => proxy === 'caddy'
    ? readFileSync(join(folder, 'caddy/pki/authorities/local/root.crt'), 'utf8')
    : tls.ca
  const get = async (headers: readonly HeaderLine[] = [], host = HOST) =>
    await ask(https, { host, headers, tls: { ca: ca(), servername: HOST } })
  await startChild(t, {
    name: proxy,
    command: mustFind(proxy),
    args,
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, SSL_CERT_FILE: tls.caFile },
    ready: () => get().then(({ status }) => status === 401, () => false)
  })
  return { stdout, get, http, app }
}

for (const row of ROWS) {
  const skip = skipOrFail(row.proxy)
  t.test(`init with a real name: ${row.proxy} speaks HTTPS to browsers and the app`, { skip }, async (t) => {
    const { stdout, get, http, app } = await start(t, row)
    t.match(stdout, /Next:[^]*certificate[^]*3\. Open https:\/\/app\.example\.com\/\. /)
    const page = await get(PAGE)
    t.match([page.status, page.headers.location], [302, `https://${HOST}/_auth/login?rd=https://${HOST}/`])
    const alice = await get([['Authorization', `Bearer ${demo.alice.accessToken}`]])
    t.match([alice.status, alice.body, app.users], [200, 'this is the app', [demo.alice.id]])
    const plain = await ask(http, { path: '/x?y' })
    t.ok([301, 308].includes(plain.status), `${plain.status} at port 80`)
    t.match(plain.headers.location, new RegExp(`^https://${HOST}(?::\\d+)?/x\\?y$`))
    t.equal(app.users.length, 1)
    t.not((await ask(http, { host: 'elsewhere.example' })).status, 200, 'another name')
    const foreign = (await get([], 'elsewhere.example')).status
    t.equal(foreign, row.proxy === 'traefik' ? 404 : 421, 'another name on a connection for this one')
  })
}
