import { readFileSync } from 'node:fs'
import t from 'tap'
import { judgeToken } from '../../../src/commands/doctor/checks/pasted.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { SILENT, validResolution } from '../../helpers/identity.ts'
import { jwt } from '../../helpers/jwt.ts'

type Claims = Readonly<Record<string, unknown>>

const { tokens } = JSON.parse(
  readFileSync(new URL('../../fixtures/m2m.json', import.meta.url), 'utf8')
) as Readonly<{ tokens: Readonly<Record<string, Readonly<{ header: Claims, payload: Claims }>>> }>
const ENDPOINT = { origin: 'https://auth.lab.test' }
const ELSEWHERE = { origin: 'https://auth.example.com' }
/** While the recorded tokens were in force. */
const NOW = 1_795_646_200_000 as EpochMs
const tokenOf = (name: string): string => jwt(tokens[name]?.payload, tokens[name]?.header)
const MACHINES = tokenOf('resource, one scope')
const PERSONS = tokenOf("a user's JWT access token, for comparison")
const ID_CLAIMS = { iss: ENDPOINT.origin, aud: ['webjwt'], sub: 'u', exp: 9_999_999_999 }
const ID_TOKEN = jwt(ID_CLAIMS, { alg: 'RS256', typ: 'JWT' })
const ODD = jwt({ iss: ENDPOINT.origin, aud: ['https://x.test/\x1b[31m', 'https://y.test/?s3cret'] })

const ROWS: ReadonlyArray<readonly [
  what: string, token: string, endpoint: typeof ENDPOINT, isValid: boolean, id: string | undefined, says: RegExp
]> = [
  ['a machine’s, as recorded', MACHINES, ENDPOINT, false, 'token-for-resource', /for https:\/\/api\.lab\.test, which/],
  ['the same, which Authgear takes as valid', MACHINES, ENDPOINT, true, 'token-for-resource', /RESOURCES/],
  ['a resource with a path', tokenOf('other resource'), ENDPOINT, false, 'token-for-resource', /other\.lab\.test\/v2,/],
  ['a machine’s of another project', MACHINES, ELSEWHERE, false, 'jwt-audience', /AUTHGEAR_ENDPOINT is https:/],
  ['a person’s, as recorded', PERSONS, ENDPOINT, true, undefined, /$/],
  ['a person’s that was revoked', PERSONS, ENDPOINT, false, 'jwt-refused', /in force/],
  ['a person’s of another project', PERSONS, ELSEWHERE, false, 'jwt-audience', /for https:\/\/auth\.lab\.test/],
  ['an ID token', ID_TOKEN, ENDPOINT, false, 'token-refused', /as an ID token does/],
  ['an opaque one', 'a'.repeat(32), ENDPOINT, false, 'token-refused', /does not accept/],
  ['an audience that is no plain address', ODD, ENDPOINT, false, 'token-refused', /no address/]
]

for (const [what, token, endpoint, isValid, id, says] of ROWS) {
  t.test(`doctor judges a pasted token: ${what}`, async (t) => {
    const found = judgeToken(isValid ? validResolution() : SILENT, token, endpoint, NOW)
    t.equal(found?.id, id)
    t.match(found?.what ?? '', says)
    t.notMatch(found?.what ?? '', /client_id_machine|webjwt|s3cret|\x1b/) // eslint-disable-line no-control-regex
  })
}

t.test('no advice names DPoP: an access token of such a session is a bearer token', async (t) => {
  for (const [, token, endpoint, isValid] of ROWS) {
    const found = judgeToken(isValid ? validResolution() : SILENT, token, endpoint, NOW)
    t.notMatch(JSON.stringify(found ?? ''), /dpop/i)
  }
})
