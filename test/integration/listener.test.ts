import { once } from 'node:events'
import { METHODS } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { PROTOCOLS, startInProcessOver } from '../helpers/in-process-over.ts'

const tls = makeTls(t)
const authorization = `Bearer ${demo.alice.accessToken}`

for (const protocol of PROTOCOLS) {
  t.test(`over ${protocol}`, async (t) => {
    const simulator = await startSimulator(t)
    const { ask } = await startInProcessOver(t, protocol, tls, { AUTHGEAR_ENDPOINT: simulator.url })
    const signedIn = { authorization, 'if-none-match': '*' }

    const ELSEWHERE = [
      '/', '/verify/', '/verify/x', '//verify', '/Verify', '/%76erify', '/verify%3Frole=a', '/verify;x', '/verify#x',
      '/verify/%zz', '/ext-authz', '/ext-authz?x', '/extauthz/', '/livez', '/metrics', '/webhook', '/identify', '/404',
      '/*', '/verify/../verify', '/.//verify'
    ]
    for (const path of ELSEWHERE) {
      await t.test(`${path} answers 404 and no identity`, async (t) => {
        const { status, headers } = await ask({ path, headers: signedIn })
        t.equal(status, 404)
        t.same(Object.keys(headers).filter((name) => name.startsWith('x-authgear-')), [])
        t.equal(headers['x-forward-auth-reason'], 'not_found')
      })
    }

    for (const path of ['/verify', '/verify?', '/ext-authz/', '/ext-authz//x/../y?z=%zz#w', '/ext-authz/verify']) {
      await t.test(`${path} is a verify request`, async (t) => {
        t.match(await ask({ path, headers: signedIn }), { status: 200, headers: { 'content-length': '0' } })
        t.match(await ask({ path }), { status: 401 })
      })
    }

    for (const method of METHODS.filter((name) => name !== 'CONNECT')) {
      await t.test(`${method} is answered as GET is`, async (t) => {
        t.equal((await ask({ method, headers: signedIn })).status, 200)
        t.equal((await ask({ method })).status, 401)
      })
    }

    await t.test('conditional and range headers never make a 304 or a 206', async (t) => {
      for (const headers of [
        { 'if-none-match': '*' },
        { 'if-modified-since': new Date().toUTCString() },
        { 'if-match': '"x"' },
        { range: 'bytes=0-1' }
      ]) {
        t.equal((await ask({ headers: { authorization, ...headers } })).status, 200)
        t.equal((await ask({ headers })).status, 401)
      }
    })

    await t.test('a HEAD refusal has the length of its body, and no body', async (t) => {
      const { status, headers, body } = await ask({ method: 'HEAD' })
      t.match({ status, body }, { status: 401, body: '' })
      t.match(headers['content-length'], /^\d\d+$/)
    })

    await t.test('a sane X-Request-ID comes back, another one is replaced', async (t) => {
      t.match((await ask({ headers: { 'x-request-id': 'abc-123' } })).headers, { 'x-request-id': 'abc-123' })
      for (const bad of ['', 'a b', '<script>', 'x'.repeat(129), 'é']) {
        t.not((await ask({ headers: { 'x-request-id': bad } })).headers['x-request-id'], bad)
      }
    })

    await t.test('nothing of the request is echoed', async (t) => {
      const canary = 'c4n4ry'
      const { headers, body } = await ask({
        path: `/verify?${canary}`,
        headers: {
          authorization: `Bearer ${canary}`,
          'user-agent': canary,
          'x-forwarded-uri': `/${canary}`,
          cookie: `x=${canary}`
        }
      })
      t.notOk(JSON.stringify(headers).includes(canary) || body.includes(canary))
    })

    await t.test('1,000 cookies and 60 kB of cookies are answered', async (t) => {
      const many = Array.from({ length: 1000 }, (_, index) => `c${index}=v`)
      t.equal((await ask({ headers: { cookie: [...many, `session=${demo.alice.cookie}`].join('; ') } })).status, 200)
      t.equal(
        (await ask({ headers: { cookie: `big=${'x'.repeat(60_000)}; session=${demo.alice.cookie}` } })).status, 200
      )
    })
  })
}

t.test('on HTTP/1.1', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const head = (method: string, ...lines: readonly string[]): string =>
    [`${method} /verify HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n')
  const signedIn = head('GET', `Authorization: ${authorization}`)

  const DECLARED: ReadonlyArray<readonly [string, string]> = [
    ['a Content-Length and no body', 'Content-Length: 100'],
    ['a short Content-Length', 'Content-Length: 1'],
    ['a chunked body', 'Transfer-Encoding: chunked'],
    ['a body announced by Expect', 'Content-Length: 5\r\nExpect: 100-continue'],
    ['an Expect that Node would answer with 417', 'Content-Length: 5\r\nExpect: x']
  ]
  for (const [name, line] of DECLARED) {
    await t.test(`after a request with ${name} nothing on that connection is answered`, async (t) => {
      const answers = await exchange(t, port, head('POST', line), signedIn, signedIn)
      t.equal(answers.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer')
      t.match(answers, /^HTTP\/1\.1 401 [^]*connection: close/)
    })
    await t.test(`one packet with ${name} and a request behind it gets one answer`, async (t) => {
      const answers = await exchange(t, port, head('POST', line) + signedIn)
      t.same(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 401'])
    })
  }

  await t.test('it is asked and answered though its own answer comes later', async (t) => {
    const hold = simulator.controls.hold('before')
    const socket = await open(t, port)
    const received = collect(socket)
    socket.write(head('POST', 'Content-Length: 5', `Authorization: Bearer ${demo.bob.accessToken}`))
    await hold.arrived(1)
    socket.write(signedIn)
    hold.release()
    t.same((await received).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'], 'bob, and nobody after him')
  })

  await t.test('an answer with a declared body never overtakes the one before it', async (t) => {
    await exchange(t, port, head('GET', `Authorization: ${authorization}`, 'Connection: close')) // alice is known now
    const hold = simulator.controls.hold('before')
    const socket = await open(t, port)
    const received = collect(socket)
    socket.write(
      head('GET', `Authorization: Bearer ${'U'.repeat(32)}`) +
        head('POST', `Authorization: ${authorization}`, 'Content-Length: 3')
    )
    await hold.arrived(1)
    hold.release()
    t.equal(await received, '', 'alice’s 200 is never taken for the stranger’s answer')
  })

  await t.test('Content-Length: 0 is no body, and the connection lives on', async (t) => {
    const answers = await exchange(t, port, head('POST', 'Content-Length: 0') + head('GET', 'Connection: close'))
    t.equal(answers.match(/HTTP\/1\.1 401/g)?.length, 2)
  })

  await t.test('Expect: 100-continue is not invited', async (t) => {
    const answers = await exchange(t, port, head('POST', 'Content-Length: 5', 'Expect: 100-continue'))
    t.match(answers, /^HTTP\/1\.1 401/)
  })

  await t.test('an Upgrade is answered like any request', async (t) => {
    const answers = await exchange(
      t, port, head('GET', 'Connection: Upgrade, close', 'Upgrade: websocket', `Authorization: ${authorization}`)
    )
    t.match(answers, /^HTTP\/1\.1 200/)
  })

  await t.test('nothing after an Upgrade is answered: Node throws away a part of it', async (t) => {
    for (const line of ['Content-Length: 0', `Authorization: ${authorization}`]) {
      const socket = await open(t, port)
      const received = collect(socket)
      socket.write(head('GET', 'Connection: Upgrade', 'Upgrade: websocket', line) + signedIn)
      const [answer] = await once(socket, 'data')
      socket.write(signedIn)
      t.match(String(answer), /\r\nconnection: close\r\n/i)
      t.equal((await received).match(/HTTP\/1\.1 \d+/g)?.length, 1)
    }
  })

  const UNREADABLE: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['an unknown method', 'FOO /verify HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400/],
    ['no Host', 'GET /verify HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/],
    [
      'a NUL in a header', `GET /verify HTTP/1.1\r\nHost: x\r\nCookie: a=\0; session=${demo.alice.cookie}\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    ['70 kB of headers', head('GET', `Cookie: ${'x'.repeat(70_000)}`), /^HTTP\/1\.1 431/],
    ['CONNECT', head('CONNECT', `Authorization: ${authorization}`), /^$/],
    [
      'an absolute URL',
      `GET http://x/verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${authorization}\r\n\r\n`,
      /^HTTP\/1\.1 404/
    ],
    ['HTTP/2 prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 400/]
  ]
  for (const [name, bytes, expected] of UNREADABLE) {
    await t.test(`${name} is never a 200`, async (t) => { t.match(await exchange(t, port, bytes), expected) })
  }
})

async function open (t: Test, port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Sends each part once the one before brought an answer; @returns all that came until the server closed. */
async function exchange (t: Test, port: number, ...parts: readonly string[]): Promise<string> {
  const socket = await open(t, port)
  const received = collect(socket)
  for (const [index, part] of parts.entries()) {
    if (index === 1) await once(socket, 'data')
    socket.write(part, 'latin1')
  }
  return await received
}

async function collect (socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  await untilClosed(socket)
  return text
}
