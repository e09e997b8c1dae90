import { type IncomingMessage, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import type { Posted } from '../../base/parts/findings.ts'
import { type Finding, found } from './catalogue.ts'
import { isTlsError } from './check.ts'

const TIMEOUT_MS = 10_000
const MAX_CHARACTERS = 262_144

export type Page = Readonly<{
  status: number
  body: string
  location?: string | undefined
  /** Lines of WWW-Authenticate. */
  challenges: readonly string[]
}>
/** The error that left no page; `isTls`: a server answered, but its certificate is not trusted. */
export type NoPage = Readonly<{ status: 0, code: string, isTls: boolean }>

/** Without a body a GET, and a POST with one. */
type Asking = Pick<Posted, 'headers'> | Posted

/** @param ca believed where what Node believes (NODE_EXTRA_CA_CERTS too) is not enough */
export async function askPage (
  address: string,
  asking: Asking,
  ca?: string
): Promise<Page | NoPage> {
  const page = await ask(address, asking, {})
  return 'code' in page && page.isTls && ca !== undefined ? await ask(address, asking, { ca }) : page
}

export const noPage = (address: string, { code, isTls }: NoPage): Finding => isTls
  ? found('app-certificate', `${address} shows a certificate that is not believed here (${code})`)
  : found('app-unreachable', `${address} does not answer (${code})`)

async function ask (
  address: string,
  asking: Asking,
  trust: Readonly<{ ca?: string }>
): Promise<Page | NoPage> {
  const asker = address.startsWith('https:') ? askHttps : askHttp
  const body = 'body' in asking ? JSON.stringify(asking.body) : undefined
  const posted = body === undefined
    ? undefined
    : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const options = {
    method: posted === undefined ? 'GET' : 'POST',
    headers: { ...asking.headers, ...posted },
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...trust
  }
  return await new Promise((resolve) => {
    asker(address, options, (answer) => { resolve(read(answer)) })
      .on('error', ({ code = 'ERROR' }: NodeJS.ErrnoException) => {
        resolve({ status: 0, code, isTls: isTlsError(code) })
      })
      .end(body)
  })
}

async function read (answer: IncomingMessage): Promise<Page | NoPage> {
  const { body, isCutOff } = await beginningOf(answer)
  const { statusCode: status = 0, headers: { location }, headersDistinct } = answer
  if (isCutOff) return { status: 0, code: 'ECONNRESET', isTls: false }
  return { status, body, location, challenges: headersDistinct['www-authenticate'] ?? [] }
}

/** A page may never end. */
export async function beginningOf (answer: IncomingMessage): Promise<Readonly<{ body: string, isCutOff: boolean }>> {
  let body = ''
  try {
    for await (const part of answer.setEncoding('utf8')) {
      body += String(part)
      if (body.length > MAX_CHARACTERS) break
    }
  } catch {
    return { body, isCutOff: true }
  }
  return { body: body.slice(0, MAX_CHARACTERS), isCutOff: false }
}
