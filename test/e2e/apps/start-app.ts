import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import { freePort } from '../../helpers/free-port.ts'
import { ask } from '../../helpers/request.ts'
import { mustFind } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { codeOf } from './page.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FIXTURES = join(ROOT, 'test/fixtures/apps')

/** What an app that verifies assertions is told. */
export type Verifying = Readonly<{ forwardAuth: string, issuer: string }>

const environment = ({ forwardAuth, issuer }: Verifying, port: number): Record<string, string> => ({
  FORWARD_AUTH: forwardAuth, ISSUER: issuer, AUDIENCE: 'my-app', PORT: String(port)
})

/** Each starts an app as its page says. @returns its port */
export async function startDjango (t: Test): Promise<number> {
  const [folder, port] = [tempDir(t, 'django'), await freePort()]
  for (const file of ['forward_auth.py', 'settings.py']) writeFileSync(join(folder, file), codeOf('django.md', file))
  return await start(t, 'django', mustFind('python-apps'), [join(FIXTURES, 'django_site.py'), folder, `${port}`], port)
}

export async function startRadicale (t: Test): Promise<number> {
  const [folder, port] = [tempDir(t, 'radicale'), await freePort()]
  const config = codeOf('radicale.md', 'radicale.conf')
    .replace('127.0.0.1:5232', `127.0.0.1:${port}`)
    .replace('/var/lib/radicale', folder)
  writeFileSync(join(folder, 'radicale.conf'), config)
  const args = ['-m', 'radicale', '--config', join(folder, 'radicale.conf')]
  return await start(t, 'radicale', mustFind('python-apps'), args, port)
}

/** The hub and its proxy; nobody starts a notebook. */
export async function startJupyterHub (t: Test): Promise<number> {
  const [folder, port, hub, api] = [tempDir(t, 'jupyterhub'), await freePort(), await freePort(), await freePort()]
  const config = join(folder, 'jupyterhub_config.py')
  writeFileSync(config, [
    codeOf('jupyterhub.md', 'jupyterhub_config.py'),
    `c.JupyterHub.bind_url = "http://127.0.0.1:${port}"`,
    `c.JupyterHub.hub_port = ${hub}`,
    `c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:${api}"`,
    `c.ConfigurableHTTPProxy.command = ["${mustFind('configurable-http-proxy')}"]`,
    'c.JupyterHub.spawner_class = "simple"',
    'c.JupyterHub.db_url = "sqlite://"',
    ''
  ].join('\n'))
  await startChild(t, {
    name: 'jupyterhub',
    command: 'env', // its proxy is a program in Node, and not one for tap to measure
    args: ['-u', 'NODE_OPTIONS', mustFind('python-apps'), '-m', 'jupyterhub', '-f', config],
    cwd: folder,
    ready: () => ask(port, { path: '/hub/login' }).then(({ status }) => status === 302, () => false)
  })
  return port
}

/** With the file to which it writes who read what. */
export async function startNginx (t: Test, userId: string): Promise<Readonly<{ port: number, log: string }>> {
  const [folder, port] = [tempDir(t, 'static'), await freePort()]
  mkdirSync(join(folder, 'files', userId), { recursive: true })
  writeFileSync(join(folder, 'files/index.html'), 'for everybody')
  writeFileSync(join(folder, 'files', userId, 'index.html'), 'hers alone')
  const server = codeOf('static-nginx.md', 'static.conf')
    .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replaceAll('/srv/files', join(folder, 'files'))
    .replace('/dev/stdout', join(folder, 'access.log'))
  writeFileSync(join(folder, 'nginx.conf'), `events {}\nhttp {\n${server}\n}\n`)
  const args = ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;']
  await start(t, 'nginx', mustFind('nginx'), args, port, { cwd: folder })
  return { port, log: join(folder, 'access.log') }
}

export async function startNode (t: Test, told: Verifying): Promise<number> {
  const [folder, port] = [tempDir(t, 'node'), await freePort()]
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'verify.js'), codeOf('node.md', 'verify.js'))
  const env = environment(told, port)
  return await start(t, 'node', process.execPath, [join(folder, 'verify.js')], port, { env })
}

export async function startPython (t: Test, told: Verifying): Promise<number> {
  const [folder, port] = [tempDir(t, 'python'), await freePort()]
  writeFileSync(join(folder, 'verify.py'), codeOf('python.md', 'verify.py'))
  const env = environment(told, port)
  return await start(t, 'python', mustFind('python-apps'), [join(folder, 'verify.py')], port, { env })
}

export async function startGo (t: Test, told: Verifying): Promise<number> {
  const [folder, port] = [tempDir(t, 'go'), await freePort()]
  cpSync(join(FIXTURES, 'go'), folder, { recursive: true })
  writeFileSync(join(folder, 'main.go'), codeOf('go.md', 'main.go'))
  await promisify(execFile)('go', ['build', '-o', 'app', '.'], { cwd: folder })
  return await start(t, 'go', join(folder, 'app'), [], port, { env: environment(told, port) })
}

async function start (
  t: Test,
  name: string,
  command: string,
  args: readonly string[],
  port: number,
  more: Readonly<{ cwd?: string, env?: Readonly<Record<string, string>> }> = {}
): Promise<number> {
  await startChild(t, {
    name, command, args, ...more, ready: () => ask(port).then(({ status }) => status < 500, () => false)
  })
  return port
}
