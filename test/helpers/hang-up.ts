import { type ClientHttp2Session, constants, type OutgoingHttpHeaders } from 'node:http2'

/** Requests that their client gives up at once, a hundred at a time: more than 200 may not be open. */
export async function hangUp (session: ClientHttp2Session, headers: OutgoingHttpHeaders, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    session.request(headers).on('error', () => {}).close(constants.NGHTTP2_CANCEL)
    if (i % 100 === 99 && !session.closed) await new Promise((resolve) => session.ping(resolve))
  }
}
