import { hash } from 'node:crypto'
import t from 'tap'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import {
  cut, encode, kindOf, type PathDetail, pathOf, tokenIn, verdictOf
} from '../../../../src/parts/access-record/line.ts'
import type { Endpoint } from '../../../../src/base/core/reason.ts'
import type { HandlerResult } from '../../../../src/base/http/types.ts'
import type { Admitted } from '../../../../src/base/identity/presenter.ts'

const VERDICTS: ReadonlyArray<readonly [number, HandlerResult['reason'], Endpoint, string]> = [
  [200, 'allowed', 'verify', 'allowed'],
  [200, 'allowed_stale', 'verify', 'allowed_stale'],
  [200, 'preflight', 'verify', 'allowed'],
  [302, 'no_credentials', 'verify', 'refused'],
  [401, 'invalid_session', 'resource', 'refused'],
  [403, 'forbidden', 'ext-authz', 'refused'],
  [503, 'overloaded', 'verify', 'unavailable'],
  [503, 'login_unavailable', 'login', 'unavailable'],
  [303, 'sent_back', 'login', 'signed_in'],
  [200, 'signed_out', 'login', 'signed_out'],
  [302, 'sent_to_authgear', 'login', 'redirected'],
  [403, 'login_denied', 'login', 'refused']
]

t.test('what an answer means', async (t) => {
  for (const [status, reason, endpoint, verdict] of VERDICTS) {
    const result = { reason, response: { status } } as unknown as HandlerResult
    t.equal(verdictOf(result, endpoint), verdict, `${status} ${reason} of ${endpoint}`)
  }
})

t.test('who asked', async (t) => {
  const who = (userId: string | undefined, grant: Admitted['grant']): Admitted =>
    ({ userId, grant } as unknown as Admitted)
  const grant = { clientId: 'agent', scopes: [], id: 't1', expiresAt: 0 as EpochMs }
  t.equal(kindOf(undefined), 'nobody')
  t.equal(kindOf(who('alice', undefined)), 'person')
  t.equal(kindOf(who('alice', grant)), 'agent')
  t.equal(kindOf(who(undefined, grant)), 'machine')
})

const FULL: PathDetail = { kind: 'full' }
const PATHS: ReadonlyArray<readonly [string | undefined, PathDetail, string | undefined]> = [
  ['/a/b?token=secret', FULL, '/a/b'],
  ['/a#x?y', FULL, '/a'],
  ['?token=secret', FULL, ''],
  [undefined, FULL, undefined],
  ['/a/b/c', { kind: 'none' }, undefined],
  ['/a/b/c', { kind: 'segments', count: 2 }, '/a/b/…'],
  ['/a/b', { kind: 'segments', count: 2 }, '/a/b'],
  ['/a/b?c/d', { kind: 'segments', count: 1 }, '/a/…']
]

t.test('no query is written, and no more of a path than is asked for', async (t) => {
  for (const [uri, detail, path] of PATHS) t.equal(pathOf(uri, detail), path, `${uri} ${detail.kind}`)
})

t.test('what a client writes is one line of printable characters with a bound', async (t) => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
  for (const text of [all, '\u2028\u2029', '"}\n{"record":"access"', '\ud800', '\x1b[2J', '\x9b2J']) {
    const line = encode({ path: text })
    t.match(line, /^[\x20-\x7e\u00a0-\uffff]*$/)
    t.notMatch(line, /[\n\r\u2028\u2029\x7f-\x9f]/)
    if (text !== '\ud800') t.strictSame(JSON.parse(line), { path: text })
  }
  for (const character of ['a', '"', '\x01', '\x9b', 'é', '\u2028']) {
    const long = cut(character.repeat(16_384), 1024)
    t.ok(Buffer.byteLength(encode(long)) <= 1026, `character ${character.charCodeAt(0)}`)
  }
  t.equal(cut('short', 1024), 'short')
})

t.test('a person who is called like the header has the token that went out', async (t) => {
  const name = 'x-forward-auth-assertion'
  const headers = ['x-authgear-user-name', name, name, 'the.token.itself']
  const result = { response: { status: 200, headers, body: '' } } as unknown as HandlerResult
  t.equal(tokenIn(result, name), hash('sha256', 'the.token.itself').slice(0, 16))
  t.equal(tokenIn(result, undefined), undefined)
})
