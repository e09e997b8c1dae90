import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { MAX_KEYS, readKeys } from '../../../../src/parts/assertion/key.ts'

const p256 = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const [one, two, ed25519] = [p256(), p256(), generateKeyPairSync('ed25519').privateKey]
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8'): string => key.export({ format: 'pem', type }).toString()
const jwk = (key: KeyObject): object => key.export({ format: 'jwk' })

const algorithms = (text: string): unknown => {
  const content = readKeys(text)
  return content.kind === 'keys' ? content.keys.map(({ signing: { algorithm } }) => algorithm) : content.problem
}

t.test('reads PEM, a JWK and a JWK set, in their order', async (t) => {
  const rows: ReadonlyArray<readonly [text: string, algorithms: readonly string[]]> = [
    [pem(one), ['ES256']],
    [pem(one, 'sec1'), ['ES256']],
    [pem(ed25519), ['EdDSA']],
    [`# new\n${pem(ed25519)}\n# old\n${pem(one)}`, ['EdDSA', 'ES256']],
    [JSON.stringify(jwk(one)), ['ES256']],
    [` ${JSON.stringify({ keys: [jwk(ed25519), jwk(two)] })}\n`, ['EdDSA', 'ES256']]
  ]
  for (const [text, expected] of rows) t.strictSame(algorithms(text), expected)
})

t.test('one key has one kid, however it is written', async (t) => {
  const kids = [pem(one), pem(one, 'sec1'), JSON.stringify(jwk(one))].map((text) => {
    const content = readKeys(text)
    return content.kind === 'keys' ? content.keys[0]?.signing.kid : undefined
  })
  t.equal(new Set(kids).size, 1)
  t.match(kids[0], /^[\w-]{43}$/)
})

t.test('says what is wrong, and never repeats a key', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const encrypted = one.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString()
  const { d: _, ...publicOnly } = jwk(one) as { d: string }
  const many = Array.from({ length: MAX_KEYS + 1 }, p256)
  const rows: ReadonlyArray<readonly [text: string, problem: RegExp]> = [
    ['', /no private key that can be read/],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', /no private key that can be read/],
    [encrypted, /no private key that can be read/],
    ['{', /no private key that can be read/],
    ['{"keys":[]}', /no private key that can be read/],
    ['{"keys":5}', /no private key that can be read/],
    [JSON.stringify(publicOnly), /no private key that can be read/],
    [pem(rsa), /neither P-256 nor Ed25519/],
    [pem(one) + pem(p384), /neither P-256 nor Ed25519/],
    [pem(one) + pem(one, 'sec1'), /one key twice/],
    [many.map((key) => pem(key)).join(''), /more than 8 keys/]
  ]
  for (const [text, problem] of rows) t.match(algorithms(text), problem)
})
