import t from 'tap'
import { createKeyer, type MemoryKey } from '../../../../src/base/core/cache-key.ts'
import type { HandlerResult, VerifyRequest } from '../../../../src/base/http/types.ts'
import { createJudgeBasic } from '../../../../src/parts/tokens/basic/judge.ts'
import type { Good } from '../../../../src/parts/tokens/basic/types.ts'
import type { RoutePolicy } from '../../../../src/parts/tokens/route-policy.ts'
import type { Verification } from '../../../../src/parts/tokens/verifier.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'

const ROUTE: RoutePolicy = { policy: { kind: 'bad', why: '' }, needs: { resources: [RESOURCE], scopes: [] } }
const REFUSED: Verification = { kind: 'refused', reason: 'invalid_session', why: 'its key is gone' }

const goodOf = (bearer: string): Good => ({
  kind: 'good',
  credentials: { bearer, appSession: undefined, appAccessToken: undefined, session: undefined },
  key: bearer as MemoryKey,
  issuedAt: 0,
  endsAt: 0,
  endsMonotonic: 0,
  renewAt: 0
})

/** @param accepted the tokens whose signature is right */
async function judge (accepted: readonly string[]): Promise<Readonly<{ status: number, replaced: number }>> {
  let replaced = 0
  const judgeBasic = createJudgeBasic({
    pairs: { find: () => goodOf('old'), replace: async () => { replaced++; return goodOf('new') } },
    verifier: { verify: (bearer) => accepted.includes(bearer) ? { kind: 'unavailable' } as Verification : REFUSED },
    keyer: createKeyer(Buffer.alloc(32, 2), { endpoint: 'https://auth.example.com', cookiePrefix: '' }),
    clients: undefined,
    conclude: (_route, _subject, verification) => {
      const error = verification.kind === 'unavailable' ? verification.error as Error | undefined : undefined
      const reason = error === undefined ? 'allowed' : 'authgear_misconfigured'
      return { response: { status: error === undefined ? 200 : 503 }, reason, error } as unknown as HandlerResult
    }
  })
  const rawHeaders = ['Authorization', `Basic ${Buffer.from('one:secret').toString('base64')}`]
  const request = { rawHeaders, headBytes: () => 100 } as unknown as VerifyRequest
  const basic = { resource: RESOURCE, origin: RESOURCE, clients: undefined }
  const { response } = await judgeBasic(request, ROUTE, basic)
  return { status: response.status, replaced }
}

t.test('a token whose key is gone is replaced, once', async (t) => {
  t.strictSame(await judge(['old']), { status: 200, replaced: 0 })
  t.strictSame(await judge(['new']), { status: 200, replaced: 1 })
  t.strictSame(await judge([]), { status: 503, replaced: 1 }, 'never a 401')
})
