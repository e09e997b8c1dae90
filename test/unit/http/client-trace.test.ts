import t from 'tap'
import { clientTraceOf } from '../../../src/base/http/request.ts'

const CLIENT = { address: '192.0.2.1', isNamed: true }
const agentOf = (userAgent: string | undefined): string | undefined =>
  clientTraceOf({ headers: userAgent === undefined ? {} : { 'user-agent': userAgent } }, CLIENT).userAgent
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

t.test('forwards the printable part of a User-Agent, at most 512 characters', async (t) => {
  const browser = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36'
  t.equal(agentOf(browser), browser)
  t.equal(agentOf('u'.repeat(10_000)), 'u'.repeat(512))
  t.equal(agentOf('a\x01b\tc\x7fd\xffe\u2603f'), 'abcdef')
  for (const nothing of [undefined, '', ' ', '\xff\xfe']) t.equal(agentOf(nothing), undefined)
})

t.test('drops a malformed tracestate', async (t) => {
  const stateOf = (tracestate: string): string | undefined =>
    clientTraceOf({ headers: { traceparent: TRACEPARENT, tracestate } }, CLIENT).tracestate
  t.equal(stateOf('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'), 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  for (const none of ['a=\x01', 'a=\xff', 'a=\t1', `a=${'1'.repeat(511)}`]) t.equal(stateOf(none), undefined, none)
})
