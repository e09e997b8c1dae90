import { createPublicKey, verify } from 'node:crypto'
import t from 'tap'
import { deriveKey, deriveSidHmac } from '../../../src/assertion/derive.ts'
import { ALGORITHMS } from '../../../src/assertion/key.ts'

const ROOT = Uint8Array.from({ length: 32 }, (_, index) => index)
const HOUR = 3_600_000

/** Computed by a program of its own: HKDF by HMAC, P-256 by its curve's equation, Ed25519 by openssl. */
const VECTORS = {
  ES256: {
    kty: 'EC',
    crv: 'P-256',
    x: 'AA3CRx4V_wD7nwltDz6CAZM2uwr_CtLt2vFGzAgXOH4',
    y: '60ypc2rb3xGWSErof0bYACulJEuU8LnUfDQl8a6Drz0',
    kid: 'UnCoH74UMWPGdY90Nc5EfO25BJS3VRt8XtukPRL2z-Q',
    alg: 'ES256',
    use: 'sig'
  },
  EdDSA: {
    kty: 'OKP',
    crv: 'Ed25519',
    x: 'Ahx933JxbkUy9qfK54fNFhlJRVw6pHoMR58wT2vAkkA',
    kid: 'QAoF8jylqhRbvDRVSTz0l58Gw-l51GgzRPA1P3RPVso',
    alg: 'EdDSA',
    use: 'sig'
  }
} as const

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: one root and one period give one key, everywhere`, async (t) => {
    t.strictSame(deriveKey(ROOT, { algorithm, rotationMs: HOUR, number: 491_520 }).jwk, VECTORS[algorithm])
  })

  t.test(`${algorithm}: another root, length of a period or number gives another key`, async (t) => {
    const kids = [
      deriveKey(ROOT, { algorithm, rotationMs: HOUR, number: 1 }),
      deriveKey(ROOT, { algorithm, rotationMs: HOUR, number: 2 }),
      deriveKey(ROOT, { algorithm, rotationMs: 2 * HOUR, number: 1 }),
      deriveKey(ROOT.toReversed(), { algorithm, rotationMs: HOUR, number: 1 })
    ].map(({ kid }) => kid)
    t.equal(new Set(kids).size, 4)
  })

  t.test(`${algorithm}: a thousand keys sign what their public halves verify`, async (t) => {
    // among so many are numbers that begin with zeros
    for (let number = 0; number < 1000; number++) {
      const key = deriveKey(ROOT, { algorithm, rotationMs: HOUR, number })
      const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' })
      const signature = Buffer.from(key.sign('a.b'), 'base64url')
      const digest = algorithm === 'ES256' ? 'sha256' : null
      const encoded = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
      if (signature.length !== 64 || !verify(digest, Buffer.from('a.b'), encoded, signature)) t.fail(`key ${number}`)
    }
  })
}

t.test('the digest of sessions is keyed by the root', async (t) => {
  t.equal(deriveSidHmac(ROOT)('session:2:u1:abc').slice(0, 22), 'dBVJLFqT6KZWpNbUefW5s8')
  t.not(deriveSidHmac(ROOT.toReversed())('session:2:u1:abc').slice(0, 22), 'dBVJLFqT6KZWpNbUefW5s8')
})
