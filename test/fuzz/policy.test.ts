import fc from 'fast-check'
import t from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { PERSON_PARAMETERS } from '../../src/base/core/requirement.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { holds } from '../helpers/property.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { checkIdentity, parseAnswers, sendAll } from './helpers/answers.ts'
import { ends } from './helpers/endings.ts'
import { anything, fieldText, mostly, joined } from './helpers/hostile.ts'

/**
 * Alice is admin and editor, verified; Bob has no role and is not verified; neither is anonymous, and no session of the
 * simulator's has an amr.
 */
const PEOPLE = [
  { token: demo.alice.accessToken, roles: ['admin', 'editor'], verified: true },
  { token: demo.bob.accessToken, roles: [], verified: false }
] as const
type Person = typeof PEOPLE[number]
type ParameterName = keyof typeof PERSON_PARAMETERS

/** How long ago everybody signed in, in seconds: sessions begin with the simulator, and the service is late. */
const AGE_S = 1e8
const LATER: Clock = {
  monotonic: () => systemClock.monotonic(), wall: () => (systemClock.wall() + AGE_S * 1000) as EpochMs
}

const HOSTILE_ESCAPES = [
  '%', '%2', '%zz', '%00', '%26', '%2C', '%2525', '%252C', '%C0%AC', '%C1%A1', '%E0%80%AC', '%ED%A0%80', '%EF%BC%8C',
  '%26role=nobody', '%26verified%3Dtrue', '%u002C', '+', '%20'
]

/** Some of its bytes as escapes: a URL builder's, an attacker's, and what no decoder may take. */
function escaped (value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const spelling = fc.constantFrom('%x', '%X', 'plain', 'plain')
  const someBytes = fc.tuple(value, fc.infiniteStream(spelling)).map(([text, spellings]) =>
    [...Buffer.from(text)].map((byte) => spell(byte, spellings.next().value)).join('')
  )
  return fc.oneof({ weight: 6, arbitrary: value }, { weight: 4, arbitrary: someBytes },
    { weight: 2, arbitrary: joined(value, fc.constantFrom(...HOSTILE_ESCAPES)) })
}

function spell (byte: number, spelling: '%x' | '%X' | 'plain'): string {
  if (spelling === 'plain') return String.fromCharCode(byte)
  const hex = byte.toString(16).padStart(2, '0')
  return `%${spelling === '%x' ? hex : hex.toUpperCase()}`
}

const roles = fc.array(mostly(['admin', 'editor', 'nobody', 'a:b'], anything), { minLength: 1, maxLength: 3 })
  .map((list) => list.join(','))
/** One understood value of each; `role` has values of its own. */
const USUAL: Readonly<Record<Exclude<ParameterName, 'role'>, string>> = {
  user: demo.alice.id,
  verified: 'true',
  anonymous: 'false',
  login: 'off',
  amr: 'mfa',
  max_age: '999999999',
  identity: 'remote',
  audience: 'grafana',
  name: 'Finance'
}
const parameter = fc.oneof(
  escaped(roles).map((value) => `role=${value}`),
  mostly(
    Object.entries(USUAL).map(([name, value]) => `${name}=${value}`),
    joined(
      fc.constantFrom(...Object.keys(PERSON_PARAMETERS), 'Role', 'optional', 'role[]', '%72ole'),
      fc.constantFrom('=', '==', ''),
      fc.oneof(
        escaped(fc.constantFrom('true', 'false', 'off', '0x1', '1e3', '', '-1', '999999999', 'mfa,otp')), anything
      )
    )
  )
)
const text = fc.array(parameter, { maxLength: 3 })
  .chain((parameters) =>
    mostly(['&'], fc.constantFrom('&&', ';', '&amp;', '%26')).map((separator) => parameters.join(separator))
  )
const query = text.map(value => value.replaceAll(/[\0-\x20\x7f-\xff]/g, ''))
const header = text.map(value => [...value].filter(char => /[\t\x20-\x7e\x80-\xff]/.test(char)).join(''))

t.test('a policy that is met lets in, any other text refuses', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, clock: LATER })
  const seen = new Map<number, number>()
  await holds(
    t,
    fc.asyncProperty(
      fc.constantFrom(...PEOPLE),
      query,
      fc.array(header, { maxLength: 2 }),
      fieldText,
      async (person, query, headers, other) => {
        const lines = [
          `Authorization: Bearer ${person.token}`, `X-Forwarded-Uri: /?${other}`,
          ...headers.map((value) => `X-Forward-Auth-Policy: ${value}`), 'Connection: close', '', ''
        ]
        const received = await ends(
          'a request', sendAll(port, [`GET /verify?${query} HTTP/1.1`, 'Host: x', ...lines].join('\r\n'))
        )
        const [answer] = parseAnswers(received, () => false)
        if (answer === undefined) throw new Error('no answer')
        checkIdentity(answer)
        const expected = statusFor(person, [query, ...headers.map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ''))])
        if (answer.status !== expected) throw new Error(`${answer.status} instead of ${expected}`)
        seen.set(expected, (seen.get(expected) ?? 0) + 1)
      }
    ),
    600
  )
  for (const status of [200, 401, 403]) t.ok((seen.get(status) ?? 0) > 10, `${status} is not rare: ${seen.get(status)}`)
})

/**
 * docs/interface.md, "Policies", once more, in other words: what is not understood is 403 before anything else, then a
 * step-up (401), then what is forbidden (403).
 */
function statusFor (person: Person, texts: readonly string[]): number {
  const outcomes = texts.flatMap(one => one === '' ? [] : one.split('&')).map(parameter => outcomeOf(person, parameter))
  if (outcomes.includes('bad')) return 403
  if (outcomes.includes('step up')) return 401
  return outcomes.includes('forbidden') ? 403 : 200
}

type Outcome = 'met' | 'forbidden' | 'step up' | 'bad'

type Oracle = (person: Person, value: string) => Outcome

/** Each parameter in other words than the service's; without its oracle a parameter does not compile. */
const ORACLES: Readonly<Record<ParameterName, Oracle>> = {
  role: (person, value) => {
    const roles = value.split(',')
    return roles.every((role) => /^[a-zA-Z_][a-zA-Z0-9:_]*$/.test(role) && role.length <= 40)
      ? met(roles.some((role) => person.roles.some((one) => one === role)))
      : 'bad'
  },
  user: ({ token }, value) => {
    const users = value.split(',')
    return users.every((user) => /^[\w.:-]{1,128}$/.test(user))
      ? met(token === demo.alice.accessToken && users.includes(demo.alice.id))
      : 'bad'
  },
  verified: ({ verified }, value) => (value === 'true' ? met(verified) : 'bad'),
  anonymous: (_, value) => (value === 'false' ? 'met' : 'bad'),
  login: (_, value) => (value === 'off' ? 'met' : 'bad'),
  amr: (_, value) => (value.split(',').every((one) => /^[\w.:-]{1,40}$/.test(one)) ? 'step up' : 'bad'),
  max_age: (_, value) => {
    if (!/^[1-9]\d{0,8}$/.test(value)) return 'bad'
    return Number(value) > AGE_S ? 'met' : 'step up'
  },
  identity: (_, value) => (['remote', 'forwarded', 'webauth'].includes(value) ? 'met' : 'bad'),
  audience: (_, value) => (/^[\w.:-]{1,100}$/.test(value) ? 'met' : 'bad'),
  name: (_, value) => (/^[\w.:-]{1,60}$/.test(value) ? 'met' : 'bad')
}

function outcomeOf (person: Person, parameter: string): Outcome {
  const [, name = '', raw = ''] = /^([a-z_]+)=([^]*)$/.exec(parameter) ?? []
  const value = decoded(raw)
  const oracle = new Map<string, Oracle>(Object.entries(ORACLES)).get(name)
  return value === undefined || oracle === undefined ? 'bad' : oracle(person, value)
}

/** Byte by byte, with another decoder than the service's. */
function decoded (raw: string): string | undefined {
  const bytes: number[] = []
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== '%') {
      bytes.push(...Buffer.from(raw[i] ?? ''))
      continue
    }
    const hex = raw.slice(i + 1, i + 3)
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined
    bytes.push(Number.parseInt(hex, 16))
    i += 2
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

const met = (yes: boolean): Outcome => yes ? 'met' : 'forbidden'
