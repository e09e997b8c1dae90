import type { Rules } from '../../base/core/policy.ts'

export function openAccessRules ({ rules }: Readonly<{ rules: Rules }>) {
  return Object.freeze({ rules, gauges: {} })
}
