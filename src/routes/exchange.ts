import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isCut } from '../listener/http-options.ts'
import { respond, respondAndLeave } from '../listener/respond.ts'
import type { AbandonedInputs } from '../listener/unread-body.ts'
import type { Endpoint } from '../tally.ts'
import { NOT_FOUND, TOO_MANY_LINES, type Answer } from './answer.ts'
import { clientTraceOf } from './client-trace.ts'
import { readProxyRequest, type ProxyRequest } from './proxy-request.ts'
import type { Report } from './report.ts'
import { queryOf, verifyQuery } from './routing.ts'
import type { Answerer, Question, Verdict } from './question.ts'

export type ExchangeDeps = Readonly<{
  report: Report
  /** Counts and logs a request to another path, which a proxy with a wrong address asks for everybody. */
  elsewhere: (requestId: string, seconds: number) => void
  /** A defect: the connection is closed without an answer, which no proxy takes for "allowed". */
  unforeseen: (error: unknown) => void
}>

/** Takes over a request whose body is read: the answer has a status and nothing else. */
export type BodyTaker = (request: FastifyRequest['raw']) => Promise<Readonly<{ status: number, isWhole: boolean }>>

export type Handler = (request: FastifyRequest, reply: FastifyReply) => void

/** The webhook's exchange: the one request on this listener whose body is read. */
export function createBodyExchange (deps: ExchangeDeps, abandoned: AbandonedInputs, take: BodyTaker): Handler {
  return (request, reply) => {
    reply.hijack()
    const { raw } = request
    const requestId = readProxyRequest(raw.rawHeaders).requestId ?? 'webhook'
    if (raw.httpVersionMajor === 1 && abandoned.has(raw.socket)) return
    take(raw).then(({ status, isWhole }) => {
      const answer: Answer = { status, headers: status === 204 ? [] : ['content-length', '0'], body: '' }
      if (isWhole || raw.httpVersionMajor !== 1) return respond(reply.raw, answer, requestId)
      abandoned.abandon(raw.socket)
      respondAndLeave(raw, reply.raw, answer, requestId)
    }).catch((error: unknown) => { deps.unforeseen(error); reply.raw.destroy() })
  }
}

/** One request and its answer, over either protocol; synchronous to the end where memory knows. */
export function createExchange (deps: ExchangeDeps, abandoned: AbandonedInputs): (endpoint: Endpoint, answerer?: Answerer) => Handler {
  const nextId = requestIds()
  return (endpoint, answerer) => (request, reply) => {
    reply.hijack()
    const startedAt = performance.now()
    const proxy = readProxyRequest(request.raw.rawHeaders)
    const requestId = proxy.requestId ?? nextId()
    const fail = (error: unknown): void => { deps.unforeseen(error); reply.raw.destroy() }
    try {
      const send = receive(abandoned, request, reply, proxy, requestId)
      if (send === undefined) return
      if (answerer === undefined) {
        send(NOT_FOUND)
        return deps.elsewhere(requestId, (performance.now() - startedAt) / 1000)
      }
      const conclude = (verdict: Verdict): void => {
        send(verdict.answer)
        deps.report(endpoint, verdict, request, requestId, startedAt)
      }
      const verdict = answerer(questionOf(endpoint, request, proxy, requestId))
      if (verdict instanceof Promise) verdict.then(conclude).catch(fail)
      else conclude(verdict)
    } catch (error) {
      fail(error)
    }
  }
}

function questionOf (endpoint: Endpoint, request: FastifyRequest, proxy: ProxyRequest, requestId: string): Question {
  const { method = '', rawHeaders, socket } = request.raw
  const query = endpoint === 'verify' ? verifyQuery(request.originalUrl) : endpoint === 'login' ? queryOf(request.originalUrl) : undefined
  return { method, rawHeaders, socket, proxy, query, requestId, trace: () => clientTraceOf(request) }
}

/** @returns how to answer; undefined on a connection that is owed no further one */
function receive (abandoned: AbandonedInputs, { raw }: FastifyRequest, reply: FastifyReply, { declaresBody }: ProxyRequest, requestId: string): ((answer: Answer) => void) | undefined {
  const { socket } = raw
  if (raw.httpVersionMajor !== 1) return (answer) => respond(reply.raw, answer, requestId)
  if (abandoned.has(socket)) return undefined
  const cut = isCut(raw)
  if (!declaresBody && !cut) return (answer) => respond(reply.raw, answer, requestId)
  abandoned.abandon(socket)
  const send = (answer: Answer): void => respondAndLeave(raw, reply.raw, answer, requestId)
  if (!cut) return send
  send(TOO_MANY_LINES)
  return undefined
}

/** Ids for requests whose proxy names none: unique among replicas, and nothing of the request in them. */
function requestIds (): () => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
