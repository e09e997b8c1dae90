import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { until } from '../helpers/until.ts'
import { commandOf, folderOf } from './apps/open-app.ts'

/** The lines that people copy, against a replica of ours that says and withholds what this test wants. */
const LINES = [
  {
    name: 'Node',
    server: undefined,
    files: ['held.js', 'follow.js'],
    args: ['check.js'],
    faster: ['--import', './faster.js']
  },
  { name: 'Python', server: 'python-apps', files: ['held.py', 'follow.py'], args: ['check.py'], faster: undefined },
  { name: 'Go', server: 'go', files: ['held.go', 'follow.go'], args: [], faster: undefined }
] as const

type Lines = typeof LINES[number]
type Headers = Readonly<Record<string, string>>

const session = (name: string): Headers => ({ 'x-forward-auth-session': name })
const client = (name: string, id: string): Headers => ({ ...session(name), 'x-authgear-client-id': id })
const IN_A_MONTH = String(Math.floor(Date.now() / 1000) + 30 * 86_400)

const HELD: Readonly<Record<string, Headers>> = {
  'broken at once': {},
  'broken later': session('a'),
  well: session('b.a'),
  odd: { ...session('c'), 'x-authgear-user-id': 'one\u2028line' },
  host: client('d', 'https://evil.example/app.json'),
  below: client('e', 'https://a.evil.example/app.json'),
  other: client('f', 'https://not-evil.example/app.json'),
  agent: client('g', 'agent'),
  first: session('h'),
  far: { ...session('i'), 'x-forward-auth-until': IN_A_MONTH },
  junk: { ...session('j'), 'x-forward-auth-until': 'soon' }
}

for (const lines of LINES) {
  const skip = skipOrFail(...lines.server === undefined ? [] : [lines.server])
  t.test(`the lines in ${lines.name} close each reported session, whatever a close does`, { skip }, async (t) => {
    const replica = await startReplica(t)
    const { output } = await startLines(t, lines, replica.port)
    const printed = (line: string): Promise<void> => until(line, () => output().includes(`${line}\n`))
    await printed('ready')
    await printed('broken at once: revoked')
    replica.tell('revoked', { kind: 'session', session: 'a' })
    await printed('broken later: revoked')
    await printed('well: revoked')
    replica.tell('revoked', { kind: 'user', user: 'one\u2028line' })
    await printed('odd: revoked')
    replica.tell('revoked', { kind: 'client', client: 'https://*.evil.example' })
    await printed('below: revoked')
    replica.tell('revoked', { kind: 'client', client: 'https://evil.example' })
    await printed('host: revoked')
    replica.tell('revoked', { kind: 'client', client: 'agent' })
    await printed('agent: revoked')
    replica.tell('reset', { following: true })
    for (const name of ['other', 'first', 'far', 'junk']) await printed(`${name}: ask again`)
    await printed('second: revoked')
    t.equal(replica.asked.length, 1, 'on one stream')
    replica.end()
    await until('it comes back', () => replica.asked.length === 2)
    t.equal(replica.asked[1], '7', 'for what came after the last that it was told')
  })
}

for (const lines of LINES.filter(({ faster }) => faster !== undefined)) {
  t.test(`the lines in ${lines.name} leave a replica that is silent`, async (t) => {
    const replica = await startReplica(t)
    await startLines(t, lines, replica.port, lines.faster)
    await until('it comes back', () => replica.asked.length > 1)
  })

  t.test(`the lines in ${lines.name} leave a replica that does not follow`, async (t) => {
    const replica = await startReplica(t, { following: false, beats: true })
    await startLines(t, lines, replica.port, lines.faster)
    await until('it comes back', () => replica.asked.length > 1)
  })
}

async function startReplica (t: Test, { following = true, beats = false } = {}) {
  const asked: (string | undefined)[] = []
  let told = 0
  let out: ServerResponse | undefined
  const tell = (event: string, data: object): void => {
    out?.write(`id: ${++told}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const server = createServer((request, response) => {
    asked.push(request.headers['last-event-id']?.toString())
    out = response.writeHead(200, { 'content-type': 'text/event-stream' })
    tell('connected', { following })
    const beat = beats ? setInterval(() => response.write(':\n\n'), 50) : undefined
    response.once('close', () => { clearInterval(beat) })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { port: (server.address() as AddressInfo).port, asked, tell, end: () => { out?.end() } }
}

async function startLines (t: Test, lines: Lines, port: number, before: readonly string[] = []) {
  const { name, server, files, args } = lines
  const folder = folderOf(t, files, ['check.js', 'check.py', 'faster.js', ...server === 'go' ? ['check.go'] : []])
  const [command, ...more] = await commandOf(server, folder, { node: [...before, ...args], python: args })
  return await startChild(t, {
    name,
    command,
    args: more,
    cwd: folder,
    env: { EVENTS: `http://127.0.0.1:${port}`, TOKEN: 'a token of the tests', HELD: JSON.stringify(HELD) },
    ready: (output) => output !== ''
  })
}
