import { connect } from 'node:net'
import t from 'tap'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { sendRaw, untilClosed } from '../helpers/raw-http.ts'
import { statusOverHttp2 } from '../helpers/raw-http2.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'

const BOB = ['authorization', `Bearer ${demo.bob.accessToken}`] as const
const POLICY = ['x-forward-auth-policy', 'role=admin'] as const

/** The parser counts names and values only: 60,000 of these are under its 64 KiB. */
const request = (lines: number, ...last: string[]): string =>
  [`GET /verify HTTP/1.1\r\nHost: x\r\n${BOB.join(': ')}`, ...Array<string>(lines).fill('a:'), ...last, '', ''].join(
    '\r\n'
  )

t.test('over HTTP/1.1', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const statusOf = async (bytes: string): Promise<number | undefined> => (await sendRaw(port, bytes))?.status

  for (const lines of [0, 998, 1100, 3900]) {
    await t.test(`after ${lines} header lines`, async (t) => {
      t.equal(await statusOf(request(lines)), 200, 'they are no offence')
      t.equal(await statusOf(request(lines, POLICY.join(': '))), 403, 'a policy is read')
      const answers = await all(port, request(lines, 'Content-Length: 5') + request(0))
      t.same(
        answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'], 'a declared body is seen: nothing after it is answered'
      )
    })
  }

  // with Host and the token, 3,998 are as many as the parser keeps; Node 24.21 refuses longer ones, Node 20.20 cuts
  for (const lines of [3998, 3999, 4096, 20_000, 60_000]) {
    await t.test(`refuses ${lines} header lines: the parser may have dropped the policy`, async (t) => {
      for (const last of [[], [POLICY.join(': ')], ['Content-Length: 5']]) {
        const answers = await all(port, request(lines, ...last) + request(0))
        t.same(answers.match(/HTTP\/1\.1 \d+/g) ?? [], ['HTTP/1.1 431'])
        t.notMatch(answers, /x-authgear/i)
      }
    })
  }
})

t.test('over HTTP/2', async (t) => {
  const tls = makeTls(t)
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...overTls(tls) })
  const statusAfter = (lines: number): Promise<number> =>
    statusOverHttp2(port, tls.ca, '/verify', [BOB, ...Array.from({ length: lines }, () => ['a', ''] as const), POLICY])
  for (const lines of [0, 1100, 1500]) t.equal(await statusAfter(lines), 403, `${lines} lines, then a policy`)
  for (const lines of [4100, 20_000]) await t.rejects(statusAfter(lines), `${lines} lines: the stream is refused`)
})

/** Sends these bytes. @returns all that came until the server closed */
async function all (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => {}).on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  socket.write(bytes, 'latin1')
  await untilClosed(socket)
  return text
}
