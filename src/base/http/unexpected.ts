import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The error handler of a listener for operators or apps. What the client did wrong keeps Fastify's answer; a defect is
 * logged, and its message stays here.
 */
export function answerErrors (unexpectedError: (error: unknown) => void) {
  return (error: unknown, _request: FastifyRequest, reply: FastifyReply): void => {
    const status = (error as Readonly<{ statusCode?: number }> | null | undefined)?.statusCode ?? 500
    if (status >= 400 && status < 500) { reply.send(error); return }
    unexpectedError(error)
    reply.code(500).send({ error: 'unexpected' })
  }
}
