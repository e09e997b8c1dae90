import type { Rules } from '../../base/core/policy.ts'
import type { Opened } from '../../base/parts/places.ts'

export function openAccessRules ({ rules }: Readonly<{ rules: Rules }>) {
  return Object.freeze({ rules, gauges: {} } satisfies Opened & Record<'gauges', object>)
}
