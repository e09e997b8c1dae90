import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AuditError } from '../../../src/authgear/audit-log/errors.ts'
import { CATALOGUE, type Finding, found } from '../../../src/commands/doctor/catalogue.ts'
import type { Context, Probe } from '../../../src/commands/doctor/check.ts'
import { PROBES } from '../../../src/commands/doctor/checks.ts'
import { judgeFailure } from '../../../src/commands/doctor/checks/authgear.ts'
import { type CookieObservation, judgeCookies } from '../../../src/commands/doctor/checks/cookies.ts'
import { judgeWebhook, webhook } from '../../../src/commands/doctor/checks/redis.ts'
import { audit, idleTimeout } from '../../../src/commands/doctor/checks/settings.ts'
import { webhookSilent } from '../../../src/commands/doctor/checks/webhook-silent.ts'
import { AuthgearUnreachable } from '../../../src/errors.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/portal.md'), 'utf8')
/** What the page says that doctor prints: code that begins with one of its four words. */
const QUOTED = [...PAGE.matchAll(/`((?:ok|skipped|warning|error) [^`]+)`/g)].map(([, line = '']) => line)

const CLOUD = { prefix: '', authgear: 'myapp.authgear.cloud' }
const OWN = { prefix: '', authgear: 'auth.example.com' }
const RESOLVER = 'https://auth.example.com/_resolver/resolve'
const SECRET = { webhookSecret: Buffer.from('x'), previousWebhookSecret: undefined }

const seen = (domain: string | undefined): CookieObservation => ({ kind: 'seen', domain, isSecure: true })
const failing = (code: string): AuthgearUnreachable => new AuthgearUnreachable(Object.assign(new Error(code), { code }))

const lineOf = (finding: Finding | undefined): string =>
  finding === undefined ? '' : `${finding.severity} ${finding.id}: ${finding.what}`

async function skippedLine ({ title, run }: Probe, context: object): Promise<string> {
  const outcome = await run(context as Context)
  return outcome.kind === 'skipped' ? `skipped ${title}: ${outcome.why}` : ''
}

const redisWithoutTrace = { keys: {}, connection: { commands: { getBuffer: async () => null } } }

/** With the page's hosts, what the checks say. */
const SAID = [
  lineOf(judgeFailure(failing('ENOTFOUND'), RESOLVER)),
  lineOf(judgeFailure(failing('ERR_TLS_CERT_ALTNAME_INVALID'), RESOLVER)),
  lineOf(judgeCookies(seen(undefined), { ...CLOUD, app: undefined })),
  lineOf(judgeCookies(seen(undefined), { ...CLOUD, app: 'app.example.com' })),
  lineOf(judgeCookies(seen('myapp.authgear.cloud'), { ...CLOUD, app: 'app.example.com' })),
  lineOf(judgeCookies(seen(undefined), { ...OWN, app: undefined })),
  lineOf(judgeCookies(seen(undefined), { ...OWN, app: 'app.example.com' })),
  lineOf(judgeCookies({ kind: 'unseen' }, { ...OWN, app: undefined })),
  lineOf(judgeWebhook(undefined, ['ours'])),
  lineOf(found('audit-log', `forbidden: ${new AuditError('forbidden').message}`)),
  await skippedLine(webhook, { config: { authgear: {} } }),
  await skippedLine(webhook, { config: { authgear: SECRET } }),
  await skippedLine(webhook, { config: { authgear: SECRET, audit: {} }, redis: redisWithoutTrace }),
  await skippedLine(webhookSilent, { config: { authgear: SECRET } }),
  await skippedLine(audit, { config: {} }),
  await skippedLine(idleTimeout, { options: {}, config: {} })
]

t.test('docs/portal.md quotes doctor as it speaks', (t) => {
  t.ok(QUOTED.length > 10, 'it quotes')
  for (const line of QUOTED) t.ok(isTrue(line), line)
  t.end()
})

function isTrue (line: string): boolean {
  const [, state = '', rest = ''] = /^(\w+) (.+)$/.exec(line) ?? []
  if (state === 'ok') return rest === 'the configuration' || PROBES.some(({ title }) => title === rest)
  if (SAID.includes(line)) return true
  return Object.hasOwn(CATALOGUE, rest) && CATALOGUE[rest as keyof typeof CATALOGUE].severity === state
}
