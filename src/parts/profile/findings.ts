import type { PartFinding } from '../../base/parts/findings.ts'

export const findings = [
  {
    id: 'email-hidden',
    severity: 'error',
    why: 'apps get no e-mail, and a rule by address answers 503 to everybody',
    set: '`bearer: readonly` for the pointer `/email` in `user_profile.standard_attributes.access_control` of ' +
      '`authgear.yaml`; it counts after 300 s (docs/profile.md)'
  }
] as const satisfies readonly PartFinding<string>[]
export type FindingId = (typeof findings)[number]['id']
