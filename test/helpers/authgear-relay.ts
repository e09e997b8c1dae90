import { createServer, request, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Test } from 'tap'
import { claimsOf } from '../../src/base/core/token-expiry.ts'
import { jwkOf, KEYS, KID } from './token-issuer.ts'

export type Claims = Readonly<Record<string, unknown>>
/** Members of the token endpoint's answer. */
type Tokens = Readonly<Record<string, string | number>>

/** One call of the token or the revocation endpoint that passed. */
export interface TokenCall {
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly status: number
  /** As Authgear said it; empty where it said no JSON. */
  readonly answer: Tokens
  /** Authgear hung up, whatever it had done. */
  readonly isLost: boolean
}

export interface AuthgearRelay {
  readonly url: string
  readonly port: number
  readonly calls: readonly TokenCall[]
  /** Signs every ID token by KEYS, and publishes that key: what it says can be changed. undefined: as Authgear does. */
  signBy (sign: ((claims: Claims, form: TokenCall['form']) => string) | undefined): void
  /** Changes what the token endpoint says. */
  edit (edit: ((answer: Tokens, form: TokenCall['form']) => Tokens) | undefined): void
  /** As a cache does that looks at the address alone: the resolver's next answer about a user is everybody's. */
  cacheForAll (isOn: boolean): void
  /** Nobody's address arrives at Authgear, as behind a network address translation. */
  hideAddresses (): void
  /** Holds answers of the token endpoint: all is done there, and nobody knows yet. */
  holdAnswers (): AnswerGate
}

/** Holds all who pass until it is released. */
interface AnswerGate {
  /** So many wait. */
  arrived (count: number): Promise<void>
  pass (): Promise<void>
  release (): void
}

function createGate (): AnswerGate {
  let isOpen = false
  const waiting: Array<() => void> = []
  const watchers: Array<{ count: number, tell: () => void }> = []
  return Object.freeze({
    arrived: (count: number) => new Promise<void>((resolve) => {
      if (waiting.length >= count) resolve()
      else watchers.push({ count, tell: resolve })
    }),
    pass: () => isOpen
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
        waiting.push(resolve)
        for (const { count, tell } of watchers) if (waiting.length >= count) tell()
      }),
    release () {
      isOpen = true
      for (const go of waiting.splice(0)) go()
    }
  })
}

const HIDDEN = new Set(['x-forwarded-for', 'x-real-ip', 'forwarded'])

/** Between a service and its Authgear, who reads and changes what is said of tokens. */
export async function startAuthgearRelay (t: Pick<Test, 'teardown'>, target: () => number): Promise<AuthgearRelay> {
  const calls: TokenCall[] = []
  const state: {
    sign?: Parameters<AuthgearRelay['signBy']>[0]
    edit?: Parameters<AuthgearRelay['edit']>[0]
    hidden: boolean
    gate?: AnswerGate | undefined
    caches: boolean
    cached?: Readonly<{ status: number, rawHeaders: string[], text: Buffer }> | undefined
  } = { hidden: false, caches: false }

  const server = createServer(async (asked, response) => {
    const { method = 'GET', url = '/', rawHeaders } = asked
    if (state.sign !== undefined && url === '/oauth2/jwks') {
      return answerWith(response, 200, { keys: [jwkOf(KEYS.publicKey, KID)] })
    }
    const isResolver = url.startsWith('/_resolver/')
    if (isResolver && state.cached !== undefined) {
      const { status, rawHeaders, text } = state.cached
      return response.writeHead(status, rawHeaders).end(text)
    }
    const body = await buffer(asked).catch(() => undefined)
    if (body === undefined) return // who asked is gone
    const isHidden = (name = ''): boolean => state.hidden && HIDDEN.has(name.toLowerCase())
    const headers = rawHeaders.filter((_, i) => !isHidden(rawHeaders[i - i % 2]))
    const onward = request({ host: '127.0.0.1', port: target(), method, path: url, headers, setHost: false })
    const isTokens = /^\/oauth2\/(?:token|revoke)(?:$|\?)/.test(url)
    const form = Object.fromEntries(new URLSearchParams(body.toString()))
    const note = (status: number, answer: Tokens, isLost: boolean): void => {
      if (isTokens) calls.push({ path: url, form, headers: asked.headers, status, answer, isLost })
    }
    onward.once('error', () => { note(0, {}, true); response.destroy() })
    onward.once('response', async (answered) => {
      const text = await buffer(answered).catch(() => undefined)
      if (text === undefined) return response.destroy()
      if (isResolver && state.caches && answered.headers['x-authgear-user-id'] !== undefined) {
        state.cached = { status: answered.statusCode ?? 502, rawHeaders: answered.rawHeaders, text }
      }
      if (!isTokens) return response.writeHead(answered.statusCode ?? 502, answered.rawHeaders).end(text)
      const answer = parsed(text.toString())
      note(answered.statusCode ?? 0, answer, false)
      const edited = editedBy(state, answer, form)
      await state.gate?.pass()
      if (answered.statusCode !== 200 || edited === answer) {
        return response.writeHead(answered.statusCode ?? 502, answered.rawHeaders).end(text)
      }
      return answerWith(response, 200, edited)
    })
    onward.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { state.gate?.release(); server.closeAllConnections(); server.close() })
  const { port } = server.address() as AddressInfo
  return Object.freeze({
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    signBy: (sign: Parameters<AuthgearRelay['signBy']>[0]) => { state.sign = sign },
    edit: (edit: Parameters<AuthgearRelay['edit']>[0]) => { state.edit = edit },
    cacheForAll: (isOn: boolean) => { state.caches = isOn; state.cached = undefined },
    hideAddresses: () => { state.hidden = true },
    holdAnswers () {
      const gate = createGate()
      state.gate = gate
      return gate
    }
  })
}

function editedBy (
  { sign, edit }: { sign?: Parameters<AuthgearRelay['signBy']>[0], edit?: Parameters<AuthgearRelay['edit']>[0] },
  answer: Tokens,
  form: TokenCall['form']
): Tokens {
  const edited = edit === undefined ? answer : edit(answer, form)
  const { id_token: idToken } = edited
  if (sign === undefined || typeof idToken !== 'string') return edited
  return { ...edited, id_token: sign(claimsOf(idToken) ?? {}, form) }
}

function parsed (text: string): Tokens {
  return text.startsWith('{') ? JSON.parse(text) as Tokens : {}
}

function answerWith (response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}
