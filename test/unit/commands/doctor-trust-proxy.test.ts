import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Context } from '../../../src/commands/doctor/check.ts'
import { PROBES } from '../../../src/commands/doctor.ts'

type Exchange = Readonly<{
  name: string
  response: Readonly<{ headers: ReadonlyArray<readonly [string, string]> }>
}>
const recorded = JSON.parse(
  readFileSync(new URL('../../fixtures/resolver.json', import.meta.url), 'utf8')
) as readonly Exchange[]
const probe = PROBES.find(({ title }) => title === 'Authgear believes X-Forwarded-Proto')

/** @param name of the recorded answer to a session that is none */
async function visit (name: string, scheme: 'http' | 'https') {
  const lines = recorded.find((one) => one.name === name)?.response.headers ?? []
  const asked: unknown[][] = []
  const origin = `${scheme}://auth.example.com`
  const context = {
    config: {
      authgear: {
        endpoint: { origin, scheme, host: 'auth.example.com' },
        resolverUrl: `${scheme === 'https' ? 'http' : 'https'}://resolver.example.com/resolve`
      }
    },
    look: {
      ask: async (...question: unknown[]) => {
        asked.push(question)
        return {
          status: 200,
          reading: { kind: 'resolution', resolution: { kind: 'invalid', noIdentityHeaders: false } },
          header: (name: string) => lines.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
        }
      }
    }
  } as unknown as Context
  return { outcome: await probe?.run(context), asked }
}

const ROWS: ReadonlyArray<readonly [name: string, scheme: 'http' | 'https', isBelieved: boolean]> = [
  ['cookie-garbage-https', 'https', true],
  ['cfg-TRUST_PROXY-false/garbage-XFP-https', 'https', false],
  ['cookie-session-garbage', 'http', true],
  ['cookie-garbage-https', 'http', false]
]

for (const [name, scheme, isBelieved] of ROWS) {
  t.test(`told ${scheme}, Authgear answers ${name}: ${isBelieved ? '' : 'not '}believed`, async (t) => {
    const { outcome, asked } = await visit(name, scheme)
    const found = outcome?.kind === 'looked' ? outcome.findings.map(({ id }) => id) : outcome
    t.strictSame(found, isBelieved ? [] : ['trust-proxy'])
    t.strictSame(asked.map(([, override]) => override ?? {}), [{}], 'asks nothing that Authgear cannot parse')
  })
}
