import fc from 'fast-check'
import { demo } from '../../helpers/simulator.ts'
import type { Line } from './oracle.ts'

/** Bytes that mean something to a parser far more often than others; CR and LF among them. */
const byte = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...'ab.=;:,"\\/%&? \t') },
  { weight: 2, arbitrary: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xff }).map(code => String.fromCharCode(code)) }
)
const isFieldByte = (text: string): boolean => /[\t\x20-\x7e\x80-\xff]/.test(text)

const text = (bytes: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(bytes, { maxLength }).map((list) => list.join(''))

/** Any bytes. */
export const anything = text(byte, 16)
/** Bytes that RFC 9110 allows in a field's value. */
export const fieldText = text(byte.filter(isFieldByte), 16)

const TOKENS = [demo.alice.accessToken, demo.bob.accessToken, demo.dora.accessToken]
const APP_SESSIONS = [demo.alice.appSession, demo.bob.appSession, demo.dora.appSession]
const SESSIONS = [
  demo.alice.cookie, demo.bob.cookie, demo.dora.cookie,
  `${demo.alice.cookie.split('.')[0]}.${demo.bob.cookie.split('.')[1]}`
]

/** Mostly what is right, so that whole requests are right often enough to be let in. */
const mostly = (right: readonly string[], odd: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: odd })
const joined = (...parts: ReadonlyArray<fc.Arbitrary<string>>): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''))

function authorization (others: fc.Arbitrary<string>): fc.Arbitrary<Line> {
  const value = joined(
    mostly(['Bearer', 'bearer', 'BEARER'], fc.oneof(fc.constantFrom('Basic', 'DPoP', ''), others)),
    mostly([' '], fc.constantFrom('  ', '\t', '')),
    mostly(TOKENS, others),
    mostly(['', ' ', '\t'], fc.constantFrom(',x', `, Bearer ${demo.alice.accessToken}`, ' x', '\xa0'))
  )
  return fc.tuple(
    mostly(['Authorization', 'authorization'], fc.constantFrom('X-Authorization', 'Authorization_')), value
  )
}

function cookie (others: fc.Arbitrary<string>): fc.Arbitrary<Line> {
  const named = (names: readonly string[], values: readonly string[]): fc.Arbitrary<string> =>
    joined(
      mostly(['', ' '], fc.constantFrom('\t', '\xa0', '"', '$')),
      mostly(names, others),
      mostly(['='], fc.constantFrom(' = ', '==', '', '= ')),
      fc.oneof(joined(mostly(values, others), mostly(['', ' '], fc.constantFrom('\t', '"'))),
        mostly(values, others).map((value) => `"${value}"`))
    )
  const pair = fc.oneof(named(['session', 'session ', 'Session'], SESSIONS),
    named(['app_session', 'app-session'], APP_SESSIONS), named(['app_access_token'], TOKENS), others)
  return fc.tuple(
    mostly(['Cookie', 'cookie'], fc.constantFrom('Cookie2', 'Set-Cookie')),
    fc.tuple(fc.array(pair, { minLength: 1, maxLength: 3 }), mostly([';', '; '], fc.constantFrom(';;', ' ; ', ',')))
      .map(([pairs, separator]) => pairs.join(separator))
  )
}

const SPOOFS: readonly Line[] = [
  ['X-Authgear-Session-Valid', 'true'],
  ['X-Authgear-User-Id', 'root'],
  ['X_Authgear_User_Id', 'root'],
  ['X-Authgear-User-Roles', 'admin'],
  ['X-Forwarded-Uri', '/public'],
  ['X-Forwarded-Host', 'evil.example.com'],
  ['X-Forwarded-Method', 'OPTIONS'],
  ['X-Original-URL', '/verify?'],
  ['X-HTTP-Method-Override', 'OPTIONS'],
  ['X-Forwarded-For', '127.0.0.1'],
  ['X-Forwarded-For', '::1%a'],
  ['X-Forwarded-For', ',,\xff'],
  ['Forwarded', 'for="[::1]"'],
  ['X-Real-IP', '127.0.0.1'],
  ['User-Agent', 'kube-probe/1.30'],
  ['If-None-Match', '*'],
  ['Range', 'bytes=0-0'],
  ['Accept', 'text/html'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['X-Forward-Auth-Policy', 'role=nobody'],
  ['X-Forward-Auth-Policy', 'optional=1'],
  ['X-Forward-Auth-Reason', 'allowed'],
  ['X-Request-ID', '<script>'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['tracestate', 'a=b'],
  ['Origin', 'x'],
  ['Access-Control-Request-Method', 'GET']
]

/** Lines that a client may send; @param others text of the places where anything may stand */
export function clientLines (others: fc.Arbitrary<string>): fc.Arbitrary<readonly Line[]> {
  return fc.array(fc.oneof(
    { weight: 4, arbitrary: authorization(others) },
    { weight: 6, arbitrary: cookie(others) },
    { weight: 4, arbitrary: fc.constantFrom(...SPOOFS) },
    { weight: 1, arbitrary: others.map((value): Line => ['X-Other', value]) }
  ), { maxLength: 4 })
}

export { joined, mostly }

/** What frames a message, or means to. */
export const FRAMING: readonly Line[] = [
  ['Content-Length', '0'],
  ['Content-Length', '5'],
  ['Content-Length', '00'],
  ['Content-Length', '+1'],
  ['Content-Length', '-1'],
  ['Content-Length', '99999999999999999999'],
  ['Content-Length', '0, 5'],
  ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', 'identity'],
  ['Transfer-Encoding', 'chunked, chunked'],
  ['Transfer-Encoding', '\x0bchunked'],
  ['Transfer-Encoding ', 'chunked'],
  // no `Connection: Upgrade`: what a client sends in the same packet behind one, Node throws away (nobody may pipeline
  // there)
  ['Connection', 'close'],
  ['Connection', 'authorization, cookie'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
  ['Expect', '100-continue'],
  ['Expect', 'x'],
  ['TE', 'trailers'],
  ['Trailer', 'authorization'],
  ['Host', ''],
  ['Host', 'a, b'],
  ['Keep-Alive', 'timeout=0']
]
