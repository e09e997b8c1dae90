import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../../../src/app/config.ts'
import { everyoneEnters } from '../../../../src/base/core/who-enters.ts'
import { variables } from '../../../../src/parts/access-rules/variables.ts'
import { tempDir } from '../../../helpers/temp-dir.ts'

const { ALLOW: { kind } } = variables
const USER = 'af5f2766-5d0c-49a4-b726-8f2671749035'
const load = (env: NodeJS.ProcessEnv) => loadConfig({ AUTHGEAR_ENDPOINT: 'https://auth.example.com', ...env })
const LOGIN = {
  LOGIN_CLIENT_ID: 'web', LOGIN_SECRET: 's'.repeat(32), LOGIN_PUBLIC_URL: 'https://app.example.com', LOGIN_SESSION: 'own'
}

/** What is written, and what `check` shows of it. */
const UNDERSTOOD: ReadonlyArray<readonly [text: string, count: number, shown: string]> = [
  ['anyone', 0, 'anyone'],
  ['role=staff', 1, 'role=staff'],
  ['role=staff,ops verified=true', 2, 'role=staff,ops verified=true'],
  ['role=staff\nverified=true\n\tmax_age=3600', 3, 'role=staff verified=true max_age=3600'],
  [`user=${USER},other`, 1, 'user=(2)'],
  [`user=${USER}%2Cother`, 1, 'user=(2)'],
  [`user=${Array.from({ length: 2000 }, (_, n) => `user${n}`).join()}`, 1, 'user=(2000)']
]

const REFUSED: ReadonlyArray<readonly [text: string, why: RegExp]> = [
  ['', /is empty: write requirements such as role=staff/],
  [' \n\t', /is empty/],
  ['anyone role=staff', /says anyone and more/],
  ['anyone anyone', /says anyone and more/],
  ['Anyone', /"Anyone": a parameter has no value/],
  ['role', /"role": a parameter has no value/],
  ['alice@example.com', /^"alice@example\.com" is not a requirement: did you mean email=alice@example\.com\?$/],
  ['role=staff @example.com', /^"@example\.com" is not a requirement: did you mean email_domain=example\.com\?$/],
  ['role=', /"role=": role has a value that cannot be one/],
  ['role=a&role=b', /"role=a&role=b": role has a value that cannot be one: write requirements .* separated by blanks/],
  ['rolle=staff', /"rolle=staff": rolle is not a parameter/],
  ['role=staff, ops', /"role=staff,": role has a value/],
  ...['amr=mfa', 'identity=remote', 'audience=grafana', 'name=Finance', 'login=off', 'resource=https://api.example.com',
    'scope=read', 'client=ci'].map((text) => [text, /belongs into the policy of a route, not in here/] as const)
]

t.test('ALLOW is requirements between blanks, and shows no names of people', async (t) => {
  for (const [text, count, shown] of UNDERSTOOD) {
    const read = { kind: 'parsed', value: { requirements: { length: count } }, shown }
    t.match(kind.parse(text, () => ''), read, text.slice(0, 40))
  }
})

t.test('what is no rule about people is refused, with what to write', async (t) => {
  for (const [text, why] of REFUSED) t.match(kind.parse(text, () => ''), { kind: 'problem', problem: why }, text)
})

t.test('an empty ALLOW ends the start: a list that was cut is not everybody', async (t) => {
  for (const env of [{ ALLOW: '' }, { ALLOW: '  ' }, { ALLOW_FILE: '' }]) {
    const loaded = load(env)
    t.match(loaded.kind === 'errors' ? loaded.errors : [], [/^ALLOW: is empty: set it to requirements.*or leave it out/])
  }
})

t.test('ALLOW_FILE holds a list of any length, and an empty one ends the start', async (t) => {
  const file = join(tempDir(t, 'allow'), 'allow')
  writeFileSync(file, `role=staff\nuser=${Array.from({ length: 3000 }, (_, n) => `user${n}`).join()}\n`)
  t.equal(load({ ALLOW_FILE: file }).kind, 'ok')
  writeFileSync(file, '\n')
  const loaded = load({ ALLOW_FILE: file })
  t.match(loaded.kind === 'errors' ? loaded.errors : [], [/^ALLOW_FILE: names an empty file/])
})

/** Settings, and whether an operator is told that everyone who registers may enter. */
const ENTRANCES: ReadonlyArray<readonly [what: string, env: NodeJS.ProcessEnv, isTold: boolean]> = [
  ['nobody signs in here', {}, false],
  ['a login', LOGIN, true],
  ['resource tokens', { RESOURCES: 'https://api.example.com' }, true],
  ['a rule that no registrant fails', { ...LOGIN, ALLOW: 'verified=true anonymous=false max_age=60' }, true],
  ['a rule by role', { ...LOGIN, ALLOW: 'verified=true role=staff' }, false],
  ['a rule by user', { ...LOGIN, ALLOW: 'user=alice' }, false],
  ['a rule by address', { ...LOGIN, IDENTITY_PROFILE: 'email', ALLOW: 'email=alice@example.com' }, false],
  ['said in words', { ...LOGIN, ALLOW: 'anyone' }, false]
]

t.test('an operator who has not said who may enter is told', async (t) => {
  for (const [what, env, isTold] of ENTRANCES) {
    const loaded = load(env)
    if (loaded.kind === 'errors') throw new Error(loaded.errors.join('; '))
    const said = everyoneEnters(loaded.config)
    t.equal(said !== undefined, isTold, what)
    if (isTold) t.match(said, /^everyone who registers at https:\/\/auth\.example\.com can open your apps: set ALLOW.*=anyone/)
  }
})

t.test('a rule by a fact that nobody knows here ends the start', async (t) => {
  const unknown = load({ ...LOGIN, ALLOW: 'email=alice@example.com' })
  t.match(unknown.kind === 'errors' ? unknown.errors : [], [/ALLOW.*IDENTITY_PROFILE=email/])
})
