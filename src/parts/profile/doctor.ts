import type { At, Explained } from '../../base/parts/findings.ts'
import { parseObject } from '../../base/core/json.ts'
import { readAnswer, USERINFO } from './answer.ts'
import type { FindingId } from './findings.ts'
import type { ProfileSettings } from './types.ts'

/** Asks userinfo about a pasted token, as the service would. @returns undefined where the address is not hidden */
export async function explainPasted (
  { isLent, fields }: ProfileSettings, token: string, { authgear: { endpoint: { origin } }, ask }: At
): Promise<Explained<FindingId> | undefined> {
  if (!isLent || !fields.includes('email')) return undefined
  const answer = await ask(`${origin}${USERINFO}`, { authorization: `Bearer ${token}` })
  if (answer.kind !== 'answered') return undefined
  const { reading } = readAnswer(answer, String(parseObject(answer.body)?.['sub']))
  return reading.kind === 'user' && reading.record.hidesAddress === true
    ? { findings: [['email-hidden', 'userinfo says whether the address is verified, and keeps the address']] }
    : undefined
}
