import { Ajv } from 'ajv'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { TRUSTED_HEADERS } from '../helpers/identity.ts'
import { last } from '../helpers/person.ts'
import { type HeaderLine, HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { filesOf } from '../unit/commands/snippet-of.ts'
import {
  COOLIFY, DOKPLOY, FILLED, type Panel, PANELS, readTemplate, readToml, type Running, startPanel, UNRAID
} from './panels.ts'

const ROOT = join(import.meta.dirname, '../..')
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const needs = { skip: skipOrFail('docker-compose') }
const runs = { skip: skipOrFail('docker-compose', 'traefik') }

/** The labels of `snippet traefik-labels` that the templates share: the middlewares, and the routers for every app. */
const SHARED =
  /^traefik\.(?:enable|http\.(?:middlewares\.authgear(?:-refuse)?|routers\.(?:authgear-login|app--refuse)|services\.auth.*)\.)/

function snippet (): ReadonlyArray<readonly [key: string, value: string]> {
  const text = filesOf('traefik-labels', '--host', HOST)['traefik-labels.yml'] ?? ''
  const { services } = parse(text.replaceAll('$$', () => '$')) as {
    services: Readonly<Record<string, { labels?: readonly string[] }>>
  }
  return Object.values(services).flatMap(({ labels = [] }) => labels).filter((label) => SHARED.test(label))
    .map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)])
}

/** For every host; with any character for a dash, and h2c refused: a panel's Traefik may lack the options for both. */
function adapted (key: string, value: string): string {
  if (key.endsWith('Regex')) return value.replaceAll('-', '[^a-z0-9]')
  return value.replace(`Host(\`${HOST}\`) && `, '')
    .replace('[^wh]', '[^w]').replace('|h([^2].*|2([^c].*|c(.+))?)?', '')
    .replace('//forward-auth:', '//authgear-forward-auth:')
}

/** Unraid's template names no entry point, since that Traefik is the user's. */
function expected ({ file, secure }: Panel): Readonly<Record<string, string>> {
  const routers = ['authgear-login', 'authgear-refuse'].map((name) => `traefik.http.routers.${name}`)
  const each = (key: string, value: string) => Object.fromEntries(routers.map((router) => [`${router}.${key}`, value]))
  return {
    ...Object.fromEntries(snippet()
      .filter(([key]) => !key.endsWith('.entrypoints') && key !== `${routers[0]}.middlewares`)
      .map(([key, value]) => [key.replace('app--refuse', 'authgear-refuse'), adapted(key, value)])),
    ...each('tls', 'true'),
    ...file !== UNRAID && each('entrypoints', secure),
    [`${routers[0]}.service`]: 'authgear-login'
  }
}

for (const panel of PANELS) {
  const { file, read } = panel
  t.test(`${file} has the labels of snippet traefik-labels`, needs, async (t) => {
    const { labels, environment } = read({ ...FILLED, ALLOW: 'role=staff' })
    t.strictSame(labels, expected(panel))
    t.match(environment, { ...FILLED, ALLOW: 'role=staff', LOGIN_SESSION: 'own' })
  })

  t.test(`${file} publishes nothing, and says what labels cannot do`, async (t) => {
    t.notMatch(textOf(file), /^ +(?:ports|container_name|networks):|- SERVICE_(?:FQDN|URL)|^# port:|Type="Port"/m)
    for (const name of ['aliasHeadersStrategy', 'encodedCharacters', 'forwardedHeaders']) t.match(textOf(file), name)
  })
}

for (const { file, read } of PANELS.filter(({ file }) => file !== UNRAID)) {
  t.test(`${file} needs an answer to who may enter`, needs, async (t) => {
    for (const name of ['ALLOW', ...Object.keys(FILLED)]) {
      t.throws(() => read({ ...FILLED, ALLOW: 'anyone', [name]: '' }), { message: new RegExp(name) }, name)
    }
  })
}

t.test('forward-auth does not start with an empty ALLOW, which Unraid may pass', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/main.js')], {
    env: { ...FILLED, LOGIN_SESSION: 'own', LOGIN_SECRET: 'x'.repeat(64), ALLOW: '' }, encoding: 'utf8'
  })
  t.not(status, 0)
  t.match(stdout + stderr, 'ALLOW')
})

/** The panels publish no schemas; these are ours, after the code with which the panels read and check templates. */
const text = { type: 'string', minLength: 1 }
const list = { type: 'array', maxItems: 0 }
const problemsOf = (schema: object, value: unknown): unknown => {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema)
  return validate(value) ? [] : validate.errors
}

t.test(`${COOLIFY} has the header that Coolify reads`, async (t) => {
  const lines = [...textOf(COOLIFY).matchAll(/^#(.*?):(.*)$/gm)]
  const header = Object.fromEntries(lines.map(([, key = '', value = '']) => [key.trim(), value.trim()]))
  const https = { type: 'string', pattern: '^https://' }
  t.strictSame(problemsOf({
    required: ['documentation', 'slogan', 'category', 'tags', 'logo'],
    properties: { documentation: https, slogan: text, category: text, tags: text, logo: text },
    not: { anyOf: ['ignore', 'port', 'env_file', 'minversion'].map((key) => ({ required: [key] })) }
  }, header), [])
  t.notMatch(textOf(COOLIFY), /\$\{\w+:\?[^}]/, 'Coolify takes text behind :? as the value')
})

t.test("Dokploy's template.toml sets every variable of its compose file", async (t) => {
  const variables = [...new Set([...textOf(DOKPLOY).matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name))]
  const env = { required: variables, additionalProperties: { type: 'string' }, maxProperties: variables.length }
  t.strictSame(problemsOf({
    required: ['variables', 'config'],
    properties: {
      variables: { additionalProperties: { pattern: String.raw`^\$\{password:64\}$` } },
      config: { required: ['domains', 'env', 'mounts'], properties: { domains: list, mounts: list, env } }
    }
  }, readToml('deploy/dokploy/template.toml')), [])
})

t.test("Dokploy's meta.json names what is there", async (t) => {
  const meta = JSON.parse(textOf('deploy/dokploy/meta.json')) as Readonly<Record<string, string>>
  const links = { type: 'object', required: ['github', 'website', 'docs'], additionalProperties: text }
  t.strictSame(problemsOf({
    required: ['id', 'name', 'version', 'description', 'logo', 'links', 'tags'],
    properties: { name: text, description: text, links, tags: { type: 'array', minItems: 1, items: text } }
  }, meta), [])
  t.match(textOf(DOKPLOY), `/${meta['id']}:${meta['version']} `, 'the image has this version')
  t.ok(existsSync(join(ROOT, 'deploy/dokploy', meta['logo'] ?? '')), 'its logo is beside it')
})

t.test(`${UNRAID} has the fields of Unraid's form`, async (t) => {
  const { tag, version, texts, configs } = readTemplate(UNRAID)
  t.strictSame({ tag, version }, { tag: 'Container', version: '2' })
  const required = ['Name', 'Repository', 'Registry', 'Network', 'Privileged', 'Support', 'Overview', 'Category']
  t.strictSame(problemsOf({ required, additionalProperties: text }, texts), [])
  const flag = { enum: ['true', 'false'] }
  const empty = { const: '' }
  const fields = {
    Name: text,
    Target: text,
    Default: empty,
    Mode: empty,
    Description: {},
    Type: { enum: ['Variable', 'Label'] },
    Display: { enum: ['always', 'advanced'] },
    Required: flag,
    Mask: flag
  }
  t.strictSame(problemsOf({ items: { required: Object.keys(fields), properties: fields } }, configs), [])
  const secrets = configs.filter(({ Target = '' }) => /SECRET|PASSWORD/.test(Target))
  t.strictSame(secrets.map(({ Mask, text }) => [Mask, text]), secrets.map(() => ['true', '']), 'no secret shows')
  t.match(configs.find(({ Target }) => Target === 'ALLOW'), { Required: 'true', text: '' })
})

const FORGED: readonly HeaderLine[] = TRUSTED_HEADERS
  .flatMap((name) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')])
  .map((name) => [name, 'spoofed'])

/** Asks with a user's cookie and every name of an identity forged. */
async function forge ({ app, over }: Running, cookie: string) {
  app.received.length = 0
  const { status } = await over({ headers: [...FORGED, ['Cookie', cookie]] })
  const lines = app.received.flatMap(({ rawHeaders }) => rawHeaders)
  const user = app.lastHeader('X-Authgear-User-Id')
  return { status, user, forged: lines.filter((_, i) => lines[i + 1] === 'spoofed') }
}

const CLOSED = [
  ['/', 401], ['//admin', 401], ['/%2e%2e/admin', 401], ['/x/..;/admin', 400], ['/x/%2e%2e%3b/admin', 400],
  ['/verify', 401], ['/_auth/webhook', 401], ['/_auth/login/../../verify', 401], ['/_auth/login%2f..', 401]
] as const

for (const panel of PANELS) {
  t.test(`${panel.file} behind a real Traefik admits only whom ALLOW names`, runs, async (t) => {
    const running = await startPanel(t, panel, { escaped: panel.file === COOLIFY })
    const { app, over, person } = running
    t.match(await over({ headers: FORGED }), { status: 401, headers: { 'x-forward-auth-reason': 'no_credentials' } })
    for (const [path, status] of CLOSED) t.equal((await over({ path, headers: FORGED })).status, status, path)
    t.equal((await over({ headers: [['Connection', 'Upgrade'], ['Upgrade', 'h2c']] })).status, 400, 'h2c')
    t.equal(app.received.length, 0)
    for (const [user, status] of [['bob', 403], ['alice', 200]] as const) {
      const page = last(await person.open(`https://${HOST}/`))
      t.ok(page.url.startsWith(running.authgear), 'Authgear asks for the user')
      t.match(last(await person.send(page.url, { user })), { url: `https://${HOST}/`, status }, user)
      const seen = await forge(running, person.cookies(HOST))
      t.strictSame(seen, { status, user: status === 200 ? [demo[user].id] : [], forged: [] }, user)
      await person.open(`https://${HOST}/_auth/logout`)
      person.forget('__Host-forward-auth')
    }
  })
}

t.test('while the container of forward-auth is away, its apps are 404', runs, async (t) => {
  const [panel] = PANELS as readonly [Panel]
  const { app, over } = await startPanel(t, panel, { away: true })
  t.equal((await over({ headers: FORGED })).status, 404)
  t.equal(app.received.length, 0)
})
