import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { listenFree } from '../helpers/listen-free.ts'
import { mustFind, skipOrFail } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/machines.md'), 'utf8')
const block = (title: string): string =>
  new RegExp(`^\`\`\`\\w+ title="${title}"\\n(.*?)^\`\`\``, 'ms').exec(PAGE)?.[1] ?? ''
/** Each of these means something to a shell or to a form. */
const SECRET = 'a secret & more=$HOME "%41+\''

/** Authgear's token endpoint and an API, which say what they were asked. */
async function start (t: Test) {
  const asked: Array<Record<string, string>> = []
  const bearers: string[] = []
  let life = 1800
  const revoked = new Set<string>()
  const port = await listenFree(t, createServer((request, response) => {
    let body = ''
    request.on('data', (part) => { body += String(part) }).on('end', () => {
      if (request.url === '/orders') {
        const bearer = request.headers.authorization ?? ''
        bearers.push(bearer)
        if (revoked.has(bearer)) response.statusCode = 401
        return response.end('42 orders')
      }
      asked.push(Object.fromEntries(new URLSearchParams(body)))
      return response.end(JSON.stringify({ access_token: `token-${asked.length}`, expires_in: life }))
    })
  }))
  const folder = tempDir(t, 'machines')
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('machine-token'), block('machine-token'))
  chmodSync(at('machine-token'), 0o755)
  writeFileSync(at('secret'), SECRET)
  const env = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    AUTHGEAR_ENDPOINT: `http://127.0.0.1:${port}`,
    API: `http://127.0.0.1:${port}`,
    CLIENT_ID: 'orders',
    CLIENT_SECRET_FILE: at('secret'),
    RESOURCE: 'https://api.example.com',
    SCOPE: 'read:orders write:orders',
    TOKEN_FILE: at('token')
  }
  const call = async (title = 'call'): Promise<string> =>
    (await promisify(execFile)('sh', ['-c', block(title)], { env })).stdout
  const revoke = (token: string): void => { revoked.add(`Bearer ${token}`) }
  /** The crontab's command, where nothing is set. */
  const byCron = async (): Promise<string> => {
    const { PATH, ...rest } = env
    writeFileSync(at('orders'), block('job'))
    writeFileSync(at('orders.env'), Object.entries(rest).map(([name, value]) => `${name}='${value}'\n`).join(''))
    const [, command = ''] = /`\*\/5 \* \* \* \* (.*?)`/.exec(PAGE) ?? []
    const here = command.replaceAll(/\/(?:etc|usr\/local\/bin)\//g, at('/'))
    return (await promisify(execFile)('sh', ['-c', here], { env: { PATH } })).stdout
  }
  const lives = (seconds: number): void => { life = seconds }
  return { asked, bearers, call, byCron, revoke, tokenFile: at('token'), lives }
}

/** As it was written, whatever it means to a shell. */
const REQUEST = {
  client_secret: SECRET,
  grant_type: 'client_credentials',
  client_id: 'orders',
  resource: 'https://api.example.com',
  scope: 'read:orders write:orders'
}

t.test('the three lines of docs/machines.md do so too, and heal', { skip: skipOrFail('jq') }, async (t) => {
  const { asked, bearers, call, byCron, revoke, tokenFile } = await start(t)
  t.equal(block('job').trimEnd().split('\n').length, 3)
  for (let n = 0; n < 3; n++) t.equal(await call('job'), '42 orders')
  t.equal(await byCron(), '42 orders')
  t.strictSame(asked, [REQUEST])
  t.equal(statSync(tokenFile).mode & 0o077, 0, 'for its user alone')
  revoke('token-1')
  await t.rejects(call('job'), 'the job fails where its token was revoked')
  t.equal(await call('job'), '42 orders', 'and the next run has another one')
  utimesSync(tokenFile, new Date(), new Date(Date.now() - 26 * 60_000))
  await call('job')
  t.equal(bearers.at(-1), 'Bearer token-3', 'one that is about to end is not kept')
})

t.test('the script of docs/machines.md gets a token, keeps it, and calls', { skip: skipOrFail('jq') }, async (t) => {
  mustFind('jq')
  const { asked, bearers, call, tokenFile } = await start(t)
  for (let n = 0; n < 3; n++) t.equal(await call(), '42 orders')
  t.strictSame(asked, [REQUEST], 'asked once')
  t.strictSame(bearers, Array.from({ length: 3 }, () => 'Bearer token-1'))
  t.equal(statSync(tokenFile).mode & 0o077, 0, 'for its user alone')
  writeFileSync(tokenFile, '{"tok')
  await call()
  t.equal(bearers.at(-1), 'Bearer token-2', 'a broken file is no token')
})

t.test('it asks for another token before the one it keeps ends', { skip: skipOrFail('jq') }, async (t) => {
  const { asked, call, lives } = await start(t)
  lives(60)
  await call()
  await call()
  t.equal(asked.length, 2)
})
