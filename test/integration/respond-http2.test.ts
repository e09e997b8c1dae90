import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import {
  connect, createServer, type ClientHttp2Stream, type IncomingHttpHeaders, type Http2ServerResponse
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { respond } from '../../src/base/http/respond.ts'
import type { HttpResponse } from '../../src/base/http/types.ts'

const PAGE: HttpResponse = {
  status: 401,
  headers: ['content-length', '4', 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'set-cookie', 'c=3'],
  body: 'page'
}

/** A server whose only way to answer is `respond`, and one request of it. */
async function ask (
  t: Test,
  method: string,
  answer: (response: ServerResponse, stream: ClientHttp2Stream) => void | Promise<void>
): Promise<ClientHttp2Stream> {
  const server = createServer((_request, response: Http2ServerResponse) => {
    Promise.resolve(answer(response as unknown as ServerResponse, stream)).catch((error: unknown) =>
      t.fail(String(error))
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => { session.destroy(); server.close() })
  const stream: ClientHttp2Stream = session.request({ ':method': method, ':path': '/verify' })
  return stream
}

async function read (stream: ClientHttp2Stream): Promise<{ headers: IncomingHttpHeaders, body: string }> {
  const [headers] = await once(stream, 'response') as [IncomingHttpHeaders]
  const chunks: string[] = []
  for await (const chunk of stream.setEncoding('latin1')) chunks.push(String(chunk))
  return { headers, body: chunks.join('') }
}

t.test('an answer arrives whole, each line of a name that comes more than once', async (t) => {
  const { headers, body } = await read(await ask(t, 'GET', (response) => respond(response, PAGE, 'r-1')))
  t.match(headers, {
    ':status': 401, 'content-length': '4', 'set-cookie': ['a=1', 'b=2', 'c=3'], 'x-request-id': 'r-1'
  })
  t.ok(headers['date'])
  t.equal(body, 'page')
})

t.test('a HEAD gets the same lines and no body', async (t) => {
  const { headers, body } = await read(await ask(t, 'HEAD', (response) => respond(response, PAGE, 'r-1')))
  t.match(headers, { ':status': 401, 'content-length': '4' })
  t.equal(body, '')
})

for (const value of ['a\r\nset-cookie: b=2', 'a\nb', 'a\0b', 'a\x7fb']) {
  t.test(`a value that no header may have is never sent: ${JSON.stringify(value)}`, async (t) => {
    const stream = await ask(t, 'GET', (response) => {
      t.throws(() => respond(response, { status: 302, headers: ['location', value], body: '' }, 'r-1'), {
        code: 'ERR_INVALID_CHAR'
      })
      t.notOk(response.headersSent)
      response.destroy()
    })
    stream.on('response', () => t.fail('there was an answer'))
    await once(stream, 'close').catch(() => {})
  })
}

t.test('a client that gave up gets no answer, and that is not an error', async (t) => {
  await new Promise<void>((resolve) => {
    ask(t, 'GET', async (response, client) => {
      const gone = once(response, 'close')
      client.close()
      await gone
      t.doesNotThrow(() => respond(response, PAGE, 'r-1'))
      resolve()
    }).catch((error: unknown) => t.fail(String(error)))
  })
})
