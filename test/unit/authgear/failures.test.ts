import t from 'tap'
import { createFailures } from '../../../src/base/authgear/resolver/failures.ts'
import type { CredentialDigest } from '../../../src/base/core/cache-key.ts'
import { AuthgearStatus } from '../../../src/base/errors.ts'

const fail = async (): Promise<never> => { throw new AuthgearStatus(500) }

async function ask ({ watch }: ReturnType<typeof createFailures>, digest: string, client: string): Promise<void> {
  const all = [digest as CredentialDigest]
  await watch({ whole: all, all, client }, fail).catch(() => {})
}

t.test('credentials of one client are one asker, however many they are', async (t) => {
  const failures = createFailures()
  for (let n = 0; n < 1000; n++) await ask(failures, `digest ${n}`, '198.51.100.0')
  t.equal(failures.isOutage(), false)
  t.equal(failures.isDoubtful(), true, 'the service asks for itself')
  for (let n = 1; n < 4; n++) await ask(failures, `other ${n}`, `203.0.113.${n}`)
  t.equal(failures.isOutage(), false, 'of four clients')
  await ask(failures, 'the fifth', '203.0.113.9')
  t.equal(failures.isOutage(), true)
})
