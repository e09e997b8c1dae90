import { isIPv6 } from 'node:net'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { JWKS_PATH } from '../../../assertion/jwks.ts'
import { ASSERTION_HEADER } from '../../../assertion/types.ts'
import { IDENTITY_HEADERS } from '../../../core/resolution.ts'
import { TOKEN_HEADERS } from '../../../resource/responses.ts'
import { reachable } from '../../reachable.ts'
import { found, type Finding } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'
import { forge, type Forged, survivors, valueIn } from '../echo.ts'

const TIMEOUT_MS = 10_000
const MAX_CHARACTERS = 262_144
/** What a 200 for a session always holds. */
const EXPECTED = ['x-authgear-session-valid', 'x-authgear-user-id'] as const
const LOOPBACK = /^http:\/\/(?:localhost|127\.[0-9.]+)(?::|$)/

type Page = Readonly<{ status: number, body: string }>

/** As a stranger: is the app protected, and does a stranger's own identity reach it? */
export const stranger: Probe = {
  title: 'a stranger is refused by the proxy',
  async run (context) {
    const address = addressOf(context)
    if (address === undefined) return skipped('--url says where clients reach the app')
    const forged = forge(namesOf(context))
    const pages = await askAll(address, forged, {})
    return looked(...pages.length === 0 ? [unreachable(address)] : judgeStranger(address, pages, forged))
  }
}

/** With what was pasted: what reaches the app, and what a client can add to it. */
export const throughProxy: Probe = {
  title: 'identity reaches the app, and no forged one does',
  async run (context) {
    const address = addressOf(context)
    const credential = credentialOf(context)
    if (address === undefined) return skipped('--url says where clients reach the app')
    if (credential === undefined) return skipped('a session is needed: --cookie-stdin or --token-stdin')
    if (address.startsWith('http://') && !LOOPBACK.test(address)) {
      return skipped('a credential is sent by https:// only, or on this machine')
    }
    const forged = forge(namesOf(context))
    const pages = await askAll(address, forged, credential)
    const [page] = pages
    if (page === undefined) return looked(unreachable(address))
    const problem = judgePage(address, page)
    if (problem !== undefined) return looked(problem)
    const notes = namesOf(context).flatMap((name) => valueIn(page.body, name) === undefined ? [] : [`${name} arrives`])
    const findings = [...judgeSurvivors(pages, forged), judgeArrivals(page), await judgeAssertion(page, context)]
    return { kind: 'looked', findings: findings.filter((finding) => finding !== undefined), notes }
  }
}

function addressOf ({ options: { url, echo } }: Context): string | undefined {
  return url === undefined ? undefined : `${url}${echo}`
}

/** Every name that an app behind this service may believe. */
function namesOf ({ config: { identity } }: Context): readonly string[] {
  const ofSets = identity.headers.all.map(({ name }) => name.toLowerCase())
  return [...IDENTITY_HEADERS, ...TOKEN_HEADERS, ASSERTION_HEADER, ...ofSets]
}

function credentialOf ({ options: { paste }, pasted }: Context): Readonly<Record<string, string>> | undefined {
  const text = pasted.trim().replace(/^(?:cookie|authorization):\s*/i, '')
  if (paste === undefined || text === '' || /[\r\n]/.test(text)) return undefined
  return paste === 'cookie' ? { cookie: text } : { authorization: `Bearer ${text.replace(/^bearer\s+/i, '')}` }
}

/** @returns nothing where one of the requests got no answer */
async function askAll (
  address: string,
  batches: readonly Forged[][],
  credential: Readonly<Record<string, string>>
): Promise<readonly Page[]> {
  const pages: Page[] = []
  for (const batch of batches) {
    const headers = Object.fromEntries(batch.map(({ name, value }) => [name, value]))
    const page = await ask(address, { ...headers, ...credential })
    if (page === undefined) return []
    pages.push(page)
  }
  return pages
}

async function ask (address: string, headers: Readonly<Record<string, string>>): Promise<Page | undefined> {
  try {
    const answer = await fetch(address, { headers, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    return { status: answer.status, body: (await answer.text()).slice(0, MAX_CHARACTERS) }
  } catch {
    return undefined
  }
}

const unreachable = (address: string): Finding => found('app-unreachable', `${address} does not answer`)

function judgeStranger (address: string, pages: readonly Page[], forged: readonly Forged[][]): readonly Finding[] {
  const open = pages.find(({ status }) => status >= 200 && status < 300)
  return [
    ...open === undefined ? [] : [found('app-open', `${address} answers ${open.status} to a stranger`)],
    ...judgeSurvivors(pages, forged)
  ]
}

function judgeSurvivors (pages: readonly Page[], forged: readonly Forged[][]): readonly Finding[] {
  const names = pages.flatMap(({ body }, index) => survivors(forged[index] ?? [], body))
  return names.length === 0 ? [] : [found('identity-forged', `a client's own ${names.join(', ')} reaches the app`)]
}

function judgePage (address: string, { status, body }: Page): Finding | undefined {
  if (status !== 200) return found('app-refuses', `${address} answers ${status} to what was pasted`)
  return /authgear/i.test(body) ? undefined : found('app-no-echo', `${address} shows no header that it got`)
}

function judgeArrivals ({ body }: Page): Finding | undefined {
  const missing = EXPECTED.filter((name) => valueIn(body, name) === undefined)
  return missing.length === 0 ? undefined : found('identity-missing', `${missing.join(' and ')} does not reach the app`)
}

async function judgeAssertion ({ body }: Page, context: Context): Promise<Finding | undefined> {
  const { config: { assertion } } = context
  if (assertion === undefined) return undefined
  const token = /[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/.exec(valueIn(body, ASSERTION_HEADER) ?? '')?.[0]
  if (token === undefined) return found('assertion-missing', `${ASSERTION_HEADER} does not reach the app`)
  const keys = await publishedKeys(context.config)
  if (keys === undefined) return found('assertion-keys', 'no service answers with its keys at MANAGEMENT_LISTEN')
  try {
    await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: assertion.issuer, algorithms: ['ES256', 'EdDSA'], currentDate: new Date(context.clock.wall())
    })
    return undefined
  } catch {
    return found('assertion-wrong', 'the assertion that reaches the app cannot be verified')
  }
}

/** Of the service that runs beside this command. */
async function publishedKeys ({ management }: Context['config']): Promise<JSONWebKeySet | undefined> {
  if (management?.kind !== 'tcp') return undefined
  const host = reachable(management.host)
  const page = await ask(`http://${isIPv6(host) ? `[${host}]` : host}:${management.port}${JWKS_PATH}`, {})
  try {
    return page?.status === 200 ? JSON.parse(page.body) as JSONWebKeySet : undefined
  } catch {
    return undefined
  }
}
