import { IDENTITY_HEADERS } from '../../../base/core/resolution.ts'
import { SETS } from '../../../base/identity/sets.ts'
import { type PartFindingId, parts } from '../../../parts/index.ts'
import { TOKEN_HEADERS } from '../../../base/core/protected-resource.ts'
import { originBeside } from '../../../base/config/beside.ts'
import { found, type Finding } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'
import { askPage, noPage, type Page } from '../page.ts'
import { randomBytes } from 'node:crypto'

/** The headers of every 200 for a session. */
const EXPECTED = ['x-authgear-session-valid', 'x-authgear-user-id'] as const
const LOOPBACK = /^http:\/\/(?:localhost|127\.[0-9.]+)(?::|$)/

/** As a stranger: is the app protected, and does a stranger's own identity reach it? */
export const stranger: Probe = {
  title: 'a stranger is refused by the proxy',
  async run (context) {
    const address = addressOf(context)
    if (address === undefined) return skipped('--url says where clients reach the app')
    const forged = forge(allNamesOf(context))
    const pages = await askAll(context, address, forged, {})
    return looked(...pages.kind === 'none' ? [pages.finding] : judgeStranger(context, address, pages.all, forged))
  }
}

/** Checks, with the pasted session, what reaches the app and what a client can add to it. */
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
    const forged = forge(allNamesOf(context))
    const pages = await askAll(context, address, forged, credential)
    if (pages.kind === 'none') return looked(pages.finding)
    const [page] = pages.all
    const problem = judgePage(address, page)
    if (problem !== undefined) return looked(problem)
    const notes = namesOf(context).flatMap((name) => valueIn(page.body, name) === undefined ? [] : [`${name} arrives`])
    const ofForged = judgeSurvivors(context, pages.all, forged)
    return { ...looked(...ofForged, judgeArrivals(page), ...await judgeParts(page, context)), notes }
  }
}

function addressOf ({ options: { url, echo } }: Context): string | undefined {
  return url === undefined ? undefined : `${url}${echo}`
}

/** The headers that this service sends, but for a set that only a route names. */
function namesOf ({ config: { identity, parts } }: Context): readonly string[] {
  const ofSets = identity.headers.all.map(({ name }) => name.toLowerCase())
  return [...IDENTITY_HEADERS, ...TOKEN_HEADERS, ...parts.flatMap(({ sends }) => sends?.names ?? []), ...ofSets]
}

/** The names that we send, and others that an app may believe. */
const allNamesOf = (context: Context): readonly string[] => [...new Set([
  ...namesOf(context),
  ...parts.flatMap(({ sends }) => sends?.names ?? []),
  ...Object.values(SETS).flat().map(({ name }) => name.toLowerCase())
])]

function credentialOf ({ options: { paste }, pasted }: Context): Readonly<Record<string, string>> | undefined {
  const text = pasted.trim().replace(/^(?:cookie|authorization):\s*/i, '')
  if (paste === undefined || text === '' || /[\r\n]/.test(text)) return undefined
  return paste === 'cookie' ? { cookie: text } : { authorization: `Bearer ${text.replace(/^bearer\s+/i, '')}` }
}

type Pages = Readonly<{ kind: 'all', all: readonly [Page, ...Page[]] } | { kind: 'none', finding: Finding }>

/** One page for each batch, or why there is none. */
async function askAll (
  { config: { authgear: { ca } } }: Context,
  address: string,
  batches: readonly Forged[][],
  credential: Readonly<Record<string, string>>
): Promise<Pages> {
  const pages: Page[] = []
  for (const batch of batches) {
    const headers = Object.fromEntries(batch.map(({ name, value }) => [name, value]))
    const page = await askPage(address, { headers: { ...headers, ...credential } }, ca)
    if ('code' in page) return { kind: 'none', finding: noPage(address, page) }
    pages.push(page)
  }
  const [first, ...more] = pages
  if (first === undefined) throw new Error('no batch')
  return { kind: 'all', all: [first, ...more] }
}

function judgeStranger (
  context: Context, address: string, pages: readonly Page[], forged: readonly Forged[][]
): readonly Finding[] {
  const open = pages.find(({ status }) => status >= 200 && status < 300)
  return [
    ...open === undefined ? [] : [found('app-open', `${address} answers ${open.status} to a stranger`)],
    ...judgeSurvivors(context, pages, forged)
  ]
}

function judgeSurvivors (
  context: Context, pages: readonly Page[], forged: readonly Forged[][]
): readonly Finding[] {
  const names = pages.flatMap(({ body }, index) => survivors(forged[index] ?? [], body))
  const sent = new Set(namesOf(context))
  const isSent = (name: string): boolean => sent.has(name.replaceAll(/[_.]/g, '-'))
  const say = (names: readonly string[]): string => `a client's own ${names.join(', ')} reaches the app`
  const used = names.filter(isSent)
  if (used.length > 0) return [found('identity-forged', say(used))]
  return names.length === 0 ? [] : [found('identity-unused', say(names))]
}

function judgePage (address: string, { status, body }: Page): Finding | undefined {
  if (status !== 200) return found('app-refuses', `${address} answers ${status} to what was pasted`)
  return /authgear/i.test(body) ? undefined : found('app-no-echo', `${address} shows no header that it got`)
}

function judgeArrivals ({ body }: Page): Finding | undefined {
  const missing = EXPECTED.filter((name) => valueIn(body, name) === undefined)
  return missing.length === 0 ? undefined : found('identity-missing', `${missing.join(' and ')} does not reach the app`)
}

async function judgeParts ({ body }: Page, { config, clock }: Context): Promise<readonly Finding[]> {
  const arrived = {
    header: (name: string) => valueIn(body, name), published: documentOf(config), now: clock.wall()
  }
  const all = await Promise.all(config.parts.map((part) => part.arrived(arrived)))
  return all.flat().map(([id, what]) => found(id as PartFindingId, what))
}

/** Documents of the service that runs beside this command. */
function documentOf ({ management }: Context['config']): (path: string) => Promise<string | undefined> {
  return async (path) => {
    if (management?.kind !== 'tcp') return undefined
    const page = await askPage(`${originBeside(management)}${path}`, { headers: {} })
    return page.status === 200 && 'body' in page ? page.body : undefined
  }
}

/** A header as a client would forge it, and a value that nothing else holds. */
type Forged = Readonly<{ name: string, value: string }>

/** Envoy takes a hundred headers at most; so many forged ones go into one request. */
const IN_ONE_REQUEST = 40

/** Each name in the spellings that many apps read as the same one (CGI, WSGI, PHP). */
function forge (names: readonly string[]): readonly Forged[][] {
  const mark = randomBytes(6).toString('hex')
  const spellings = names.flatMap((name) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')])
  const forged = [...new Set(spellings)].map((name, index) => ({ name, value: `doctor${mark}n${index}n` }))
  const batches: Forged[][] = []
  for (let i = 0; i < forged.length; i += IN_ONE_REQUEST) batches.push(forged.slice(i, i + IN_ONE_REQUEST))
  return batches
}

/** @returns the forged names whose value an app shows, in whatever form it shows headers */
function survivors (forged: readonly Forged[], body: string): readonly string[] {
  return forged.filter(({ value }) => body.includes(value)).map(({ name }) => name)
}

/**
 * The values that an echo page got under a name: `Name: value` by lines, or JSON with one value or a list.
 * @returns undefined where it shows no such header, or an empty one
 */
function valueIn (body: string, name: string): string | undefined {
  const between = '["\']?(?:\\s*</t[hd]>\\s*<t[hd]>|\\s*[:=])\\s*\\[?\\s*"?'
  const pattern = new RegExp(`(?:^|[\\s"'{,>])${name}${between}([^"\\r\\n<]*)`, 'i')
  const value = pattern.exec(body)?.[1]?.trim().replace(/,$/, '')
  return value === undefined || value === '' || value === ']' ? undefined : value
}
