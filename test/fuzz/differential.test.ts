import fc from 'fast-check'
import t from 'tap'
import { buildSimulator } from '../../deploy/demo/authgear-simulator/server.mjs'
import { cookieNames, credentialHeaders, readCredentials, type Credentials } from '../../src/base/core/credentials.ts'
import { hostileHeaders, NAMES } from '../helpers/credentials.ts'
import { goCookie } from '../helpers/go-cookies.ts'
import { holds } from '../helpers/property.ts'
import { optionsFor, setState } from '../helpers/recorded-world.ts'
import { headersNamed, recordedExchanges, type Exchange } from '../helpers/recorded.ts'
import { cookiePrefixOf, headersOf, sentBy } from '../helpers/replay.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { anything, clientLines } from './helpers/hostile.ts'

const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/ // eslint-disable-line no-control-regex -- no credential holds one

/** Where Authgear's answer is about method, path, host, scheme or its own trouble, and not about who asks. */
const NOT_ABOUT_CREDENTIALS =
  /host|xf[hp]|origin|method|aud|trust_proxy|postgres|redis|path|tx2|pool|dbsource|length|h2-|header-|bare-cr/i

const exchanges = recordedExchanges().filter(
  ({ name, response }) => response.status === 200 && !NOT_ABOUT_CREDENTIALS.test(name)
)

t.test('what is read of a recorded request, and sent on, is what Authgear used', async (t) => {
  t.ok(exchanges.length > 150, `${exchanges.length} of 289 exchanges are about credentials`)
  for (const exchange of exchanges) {
    const names = cookieNames(cookiePrefixOf(exchange))
    const reading = readCredentials(headersOf(exchange).flatMap(([name, value]) => [name, value]), names)
    if (reading.kind === 'refused') {
      t.ok(isOurRefusal(exchange), `${exchange.name}: refused, as docs/interface.md says`)
      continue
    }
    const sent = reading.kind === 'none' ? [] : credentialHeaders(reading.credentials, names)
    t.strictSame(await verdictOn(exchange, sent), identityIn(exchange.response.headers), exchange.name)
  }
})

/**
 * Only these may be refused without asking: more than one Authorization, a comma in a token, a control byte, a length
 * that nothing of Authgear's has.
 */
function isOurRefusal (exchange: Exchange): boolean {
  const { authorizations, bearer, ...values } = sentBy(exchange)
  return (
    authorizations.length > 1 || bearer?.includes(',') === true ||
    [bearer, ...Object.values(values)].some(
      (value) => value !== undefined && (value.length > 1024 || CONTROL.test(value))
    )
  )
}

/** What the simulated Authgear in the state of the recording says to these credentials and nothing else. */
async function verdictOn (exchange: Exchange, headers: readonly string[]): Promise<Array<readonly [string, string]>> {
  const simulator = buildSimulator(optionsFor(exchange))
  try {
    setState(exchange, simulator.controls)
    const port = Number(new URL(await simulator.listen()).port)
    const header = (name: string): string | undefined => exchange.request.headers.find(([one]) => one === name)?.[1]
    const lines = headers.flatMap((name, i): HeaderLine[] => i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : [])
    const answer = await ask(port, {
      path: '/resolve',
      host: header('Host') ?? 'localhost:3000',
      headers: [...lines, ['X-Forwarded-Proto', header('X-Forwarded-Proto') ?? 'http']]
    })
    return identityIn(Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const))
  } finally {
    await simulator.close()
  }
}

function identityIn (headers: Exchange['response']['headers']): Array<readonly [string, string]> {
  return headersNamed(
    headers.map(([name, value]) => [name.toLowerCase(), value] as const), /^x-authgear-/
  ).map(([name, value]) => [name, value] as const)
}

t.test('reads each credential as Go does, or not at all where it cannot be one', async (t) => {
  const lists = fc.oneof(hostileHeaders, clientLines(anything).map(lines => lines.flat()))
  await holds(t, fc.property(lists, (raw) => {
    const lines = (name: string): string[] => raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name)
    const reading = readCredentials(raw, NAMES)
    const [authorization = ''] = lines('authorization')
    const go: Credentials = {
      bearer: /^bearer ([^ ][^]*)$/i.exec(authorization.replace(/^[ \t]+|[ \t]+$/g, ''))?.[1],
      appSession: goCookie(lines('cookie'), 'app_session'),
      appAccessToken: goCookie(lines('cookie'), 'app_access_token'),
      session: goCookie(lines('cookie'), 'session')
    }
    if (reading.kind === 'refused') {
      return lines('authorization').length > 1 || go.bearer?.includes(',') === true || CONTROL.test(raw.join(''))
    }
    if (reading.kind === 'none') return Object.values(go).every(value => value === undefined)
    // what is sent on is read by Go as what was keyed
    const sent = credentialHeaders(reading.credentials, NAMES)
    const cookies = sent.filter((_, i) => i % 2 === 1 && sent[i - 1] === 'cookie')
    const { credentials } = reading
    const hasControl = CONTROL.test(raw.join(''))
    return (['bearer', 'appSession', 'appAccessToken', 'session'] as const).every((field) =>
      credentials[field] === go[field] || (hasControl && credentials[field] === undefined)) &&
      goCookie(cookies, 'session') === credentials.session &&
      goCookie(cookies, 'app_session') === credentials.appSession &&
      goCookie(cookies, 'app_access_token') === credentials.appAccessToken
  }), 6000)
})
