import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * The error handler of a listener for operators or apps. What the client did wrong keeps Fastify's answer; a defect is
 * logged, and its message stays here.
 */
export function answerErrors (unexpectedError: (error: unknown) => void) {
  return (error: unknown, _request: FastifyRequest, reply: FastifyReply): void => {
    if (isClientError(error)) { reply.send(error); return }
    unexpectedError(error)
    reply.code(500).send({ error: 'unexpected' })
  }
}

/** True for an error of Fastify's about what the client sent. */
export function isClientError (error: unknown): boolean {
  const status = (error as Readonly<{ statusCode?: number }> | null | undefined)?.statusCode ?? 500
  return status >= 400 && status < 500
}
