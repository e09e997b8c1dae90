import { deepEqual } from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import fc from 'fast-check'
import t from 'tap'
import { parseChallenges } from '../../../src/commands/doctor/mcp/challenges.ts'
import { holds } from '../../helpers/property.ts'

const bearer = (...parameters: ReadonlyArray<readonly [string, string]>) => ({ scheme: 'bearer', parameters })

t.test('a line of challenges is read by its grammar', async (t) => {
  for (const [line, expected] of [
    ['Bearer', [bearer()]],
    ['bearer  realm=x', [bearer(['realm', 'x'])]],
    ['Bearer resource_metadata="https://a.example/x", scope="openid use"',
      [bearer(['resource_metadata', 'https://a.example/x'], ['scope', 'openid use'])]],
    ['BEARER Scope = "a\\"b, c"\t,\trealm=y', [bearer(['scope', 'a"b, c'], ['realm', 'y'])]],
    ['Basic realm="a", Bearer scope="b"', [{ scheme: 'basic', parameters: [['realm', 'a']] }, bearer(['scope', 'b'])]],
    ['Negotiate YWJj==, Bearer scope=b', [{ scheme: 'negotiate', parameters: [] }, bearer(['scope', 'b'])]],
    ['Negotiate, Bearer', [{ scheme: 'negotiate', parameters: [] }, bearer()]],
    ['Bearer scope="a", scope="b"', [bearer(['scope', 'a'], ['scope', 'b'])]],
    [', Bearer scope=a,,', [bearer(['scope', 'a'])]],
    ['', []],
    ['Bearer __proto__=a', [bearer(['__proto__', 'a'])]],
    ['Bearer scope="a', undefined],
    ['Bearer scope="a" realm="b"', undefined],
    ['"Bearer"', undefined],
    ['Bearer a=b c', undefined]
  ] as const) t.strictSame(parseChallenges(line), expected, line)
})

/** What the library says of a response with that line. */
async function byLibrary (line: string): Promise<unknown> {
  const response = new Response(null, { status: 401, headers: { 'www-authenticate': line } })
  return await oauth.processRevocationResponse(response).then(() => undefined, ({ cause }: Error) => cause)
}

const token = fc.stringMatching(/^[a-z_]{1,12}$/)
/** The library assigns parameters to a plain object, which drops this one. */
const name = token.filter((text) => text !== '__proto__')
const value = fc.stringMatching(/^[ !#-[\]-~]{0,30}$/).map((text) => `"${text}"`)
const challenge = fc.tuple(token, fc.uniqueArray(fc.tuple(name, fc.oneof(token, value)), {
  minLength: 1, maxLength: 4, selector: ([name]) => name
}))

t.test('challenges are read as oauth4webapi reads them', async (t) => {
  await holds(t, fc.asyncProperty(fc.array(challenge, { minLength: 1, maxLength: 3 }), async (challenges) => {
    const line = challenges
      .map(([scheme, parameters]) => `${scheme} ${parameters.map(([name, text]) => `${name}=${text}`).join(', ')}`)
      .join(', ')
    const ours = parseChallenges(line)?.map(({ scheme, parameters }) => ({
      scheme, parameters: Object.fromEntries(parameters)
    }))
    deepEqual(ours, await byLibrary(line))
  }), 200)
})

t.test('no line makes it hang or throw', async (t) => {
  await holds(t, fc.property(fc.string({ unit: 'binary-ascii', maxLength: 400 }), (line) => {
    const read = parseChallenges(line)
    return read === undefined || Array.isArray(read)
  }), 500)
  t.equal(parseChallenges(`Bearer a="${'\\"'.repeat(50_000)}`), undefined, 'a string that does not end')
})
