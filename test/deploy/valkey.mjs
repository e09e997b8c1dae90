// The chart's own Redis, run: the command that its Deployment has, on the real valkey-server, and the service with the
// environment that its own Deployment has. Usage: valkey.mjs RENDERED. A line for each fact: name, expected, found.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { parseAllDocuments } from 'yaml'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'

const PASSWORD = "a password's own: 'quotes' $and \"more\""
const ALICE = 'demoAccessTokenOfAlice0000000000'
const BIN = join(import.meta.dirname, '../../.servers/bin')
const folder = mkdtempSync(join(tmpdir(), 'chart-valkey-'))
const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

const is = (name, expected, found) => console.log([name, expected, found].join('\t'))
const file = (name, text) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** @returns the child, once `ready` is in what it says; its output and code when it ends before */
async function start (command, args, { ready, env }) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let output = ''
  const ended = once(child, 'exit').then(([code]) => ({ code, output }))
  const isReady = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text
        if (ready !== undefined && output.includes(ready)) resolve({ child })
      })
    }
  })
  return await Promise.race([isReady, ended])
}

async function until (name, condition) {
  const end = Date.now() + 30_000
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`not within 30 s: ${name}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const documents = parseAllDocuments(readFileSync(process.argv[2], 'utf8')).map((one) => one.toJS()).filter(Boolean)
const container = (name) =>
  documents.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec.template.spec.containers[0])
    .find((one) => one.name === name)

/** The script of the Deployment, with this machine's file and port. */
function startValkey (port, password) {
  const { command: [shell, ...options], args: [script] } = container('redis')
  const ours = script
    .replaceAll('/redis/redis-password', file('redis-password', password))
    .replace('--port 6379', `--port ${port}`)
    .replace('--dir /data', `--dir ${folder}`)
  return start(shell, [...options, ours], {
    ready: 'Ready to accept connections', env: { PATH: `${BIN}:${process.env.PATH}` }
  })
}

/** The environment of the Deployment, with this machine's files, ports and Authgear. */
async function environment (redisPort, authgear) {
  const { data } = documents.find(({ kind }) => kind === 'ConfigMap')
  const env = Object.fromEntries(container('forward-auth').env.map(({ name, value }) => [name, value]))
  file('cache-secret', '0123456789012345678901234567890123456789')
  const [port, management] = [await freePort(), await freePort()]
  return {
    ...data,
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [
      name, value.replace(/^\/(secrets|redis)\//, `${folder}/`).replace(/[\w.-]+:6379/, `127.0.0.1:${redisPort}`)
    ])),
    AUTHGEAR_ENDPOINT: authgear,
    AUTHGEAR_TIMEOUT: '60s',
    REDIS_TIMEOUT: '5s', // by default 50 ms: a late answer would count as an error of Redis
    LISTEN: `127.0.0.1:${port}`,
    MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
    MANAGEMENT_TOKEN: '0123456789abcdef',
    RESOURCES: 'https://api.example.com',
    PATH: process.env.PATH
  }
}

async function refusals (port) {
  const client = (options) =>
    new Redis({ port, lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false, ...options })
  const said = async (options, ...command) => {
    const redis = client(options)
    redis.on('error', () => {})
    const answer = await redis.call(...command).catch(({ message }) => message)
    redis.disconnect()
    // of a wrong login the client says what either command was told
    return String(answer ?? 'nothing').split(' ')[0].replace(/^(NOAUTH|WRONGPASS)$/, 'no login')
  }
  const user = { username: 'forward-auth', password: PASSWORD }
  is('valkey: nobody without a password', 'no login', await said({}, 'PING'))
  is('valkey: nobody with a wrong password', 'no login', await said({ ...user, password: 'wrong' }, 'PING'))
  is('valkey: not the default user', 'no login', await said({ ...user, username: 'default' }, 'PING'))
  for (const command of ['FLUSHALL', 'KEYS *', 'CONFIG GET *', 'ACL LIST', 'GET other:key', 'GET forward-auth:key']) {
    is(`valkey: not ${command}`, 'NOPERM', await said(user, ...command.split(' ')))
  }
  is('valkey: its own keys', 'nothing', await said(user, 'GET', 'shop:key'))
  const redis = client(user)
  const info = String(await redis.call('INFO', 'memory'))
  redis.disconnect()
  is('valkey: its memory has a limit', '134217728', /^maxmemory:(\d+)/m.exec(info)?.[1])
  is('valkey: what expires may be evicted, and nothing else', 'volatile-lru', /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1])
}

/** @returns the child, and a call of its management listener, once it uses Redis */
async function startService (env) {
  const { child } = await start(process.execPath, ['dist/main.js'], { ready: env.LISTEN, env })
  const authorization = `Bearer ${env.MANAGEMENT_TOKEN}`
  const management = (path, { headers, ...options } = {}) =>
    fetch(`http://${env.MANAGEMENT_LISTEN}${path}`, { headers: { authorization, ...headers }, ...options })
  await until('Redis is used', async () =>
    await management('/readyz').then((answer) => answer.json(), () => ({})).then(({ redis }) => redis === 'up'))
  return { child, management }
}

async function kill (child) {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A node that loses its power, and comes back. */
async function reboot (env, valkey, port) {
  const first = await startService(env)
  await until('a client is blocked', async () =>
    (await first.management('/clients/dcrc_1/block', { method: 'PUT' })).status === 200)
  await Promise.all([kill(first.child), kill(valkey)])
  const restarted = await startValkey(port, `${PASSWORD}\n`)
  if (restarted.child === undefined) throw new Error(restarted.output)
  const second = await startService(env)
  const { blocked } = await (await second.management('/clients')).json()
  is('reboot of all: a block is kept', 'dcrc_1', blocked.map(({ name }) => name).join())
  await kill(second.child)
}

async function service (env) {
  const { management } = await startService(env)
  is('service: it uses Redis', 'up', (await (await management('/readyz')).json()).redis)
  const verify = () => fetch(`http://${env.LISTEN}/verify`, { headers: { authorization: `Bearer ${ALICE}` } })
  is('service: a session is let in', 200, (await verify()).status)
  const revoked = await management('/revocations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'somebody' })
  })
  is('service: a revocation is in the log', 200, revoked.status)
  const metrics = await (await management('/metrics')).text()
  const errors = [...metrics.matchAll(/^forward_auth_redis_errors_total\{.*\} (\d+)/gm)]
  is('service: Redis refused nothing', 0, errors.reduce((sum, [, count]) => sum + Number(count), 0))
}

async function doctor (env) {
  const { output } = await start(process.execPath, ['dist/main.js', 'doctor', '--json'], { env })
  const { findings } = JSON.parse(output)
  is('doctor: nothing about Redis', '', findings.filter(({ id }) => id.startsWith('redis')).map(({ id }) => id).join())
}

const simulator = buildSimulator()
const authgear = await simulator.listen({ host: '127.0.0.1', port: 0 })
const port = await freePort()
const { code, output } = await startValkey(port, 'short')
is('valkey: no short password', '1 redis-password must have 16 characters or more', `${code} ${output?.trim()}`)
const started = await startValkey(port, `${PASSWORD}\n`)
if (started.child === undefined) throw new Error(started.output)
await refusals(port)
const env = await environment(port, authgear)
await reboot(env, started.child, port)
await service(env)
await doctor(env)
process.exit(0)
