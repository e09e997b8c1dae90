import { type IncomingMessage, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import { type Finding, found } from './catalogue.ts'
import { isTlsError } from './check.ts'

const TIMEOUT_MS = 10_000
const MAX_CHARACTERS = 262_144

export type Page = Readonly<{ status: number, body: string, location?: string | undefined }>
/** The error that left no page; `isTls`: a server answered, but its certificate is not trusted. */
export type NoPage = Readonly<{ status: 0, code: string, isTls: boolean }>

/** @param ca believed where what Node believes (NODE_EXTRA_CA_CERTS too) is not enough */
export async function askPage (
  address: string,
  headers: Readonly<Record<string, string>>,
  ca?: string
): Promise<Page | NoPage> {
  const page = await ask(address, headers, {})
  return 'code' in page && page.isTls && ca !== undefined ? await ask(address, headers, { ca }) : page
}

export const noPage = (address: string, { code, isTls }: NoPage): Finding => isTls
  ? found('app-certificate', `${address} shows a certificate that is not believed here (${code})`)
  : found('app-unreachable', `${address} does not answer (${code})`)

async function ask (
  address: string,
  headers: Readonly<Record<string, string>>,
  trust: Readonly<{ ca?: string }>
): Promise<Page | NoPage> {
  const asker = address.startsWith('https:') ? askHttps : askHttp
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  return await new Promise((resolve) => {
    asker(address, { headers, agent: false, signal, ...trust }, (answer) => { resolve(read(answer)) })
      .on('error', ({ code = 'ERROR' }: NodeJS.ErrnoException) => {
        resolve({ status: 0, code, isTls: isTlsError(code) })
      })
      .end()
  })
}

async function read (answer: IncomingMessage): Promise<Page | NoPage> {
  const { body, isCutOff } = await beginningOf(answer)
  const { statusCode: status = 0, headers: { location } } = answer
  return isCutOff ? { status: 0, code: 'ECONNRESET', isTls: false } : { status, body, location }
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
