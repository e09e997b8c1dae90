import { SETS } from '../../../../src/base/identity/sets.ts'
import type { IdentitySet } from '../../../../src/base/core/presentation.ts'
import { PART_HEADERS } from '../../../helpers/identity.ts'
import { ALICE, BOB } from '../../people.ts'

/** As long as a name may be, and with as many dashes. */
const LONG = `X-${'Ab-'.repeat(20)}Xy`
const OWN = [
  { name: 'X-My-User', field: 'user' }, { name: 'X-My-Roles', field: 'roles' }, { name: LONG, field: 'user_id' }
] as const

/** The map of one's own that is the usual one here. */
export const MAP = OWN.map(({ name, field }) => `${name}={${field}}`).join(',')

/** Every name in use. */
export const NAMES: readonly string[] = [
  ...[OWN, ...Object.values(SETS)].flat().map(({ name }) => name), ...PART_HEADERS
]

/** As an app may read it that turns every other character into the same one. */
export const folded = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')

export const SPOOFED = 'spoofed'

export type Person = 'alice' | 'bob' | 'nobody'

/** What an app must read, by folded name; every other name in use is empty or absent. */
export function expectedOf (person: Person, set: IdentitySet | 'own' | undefined): ReadonlyMap<string, string> {
  if (person === 'nobody' || set === undefined) return new Map()
  const [id, roles] = person === 'alice' ? [ALICE.id, ALICE.roles] : [BOB.id, '']
  const values: Readonly<Record<string, string>> = { user: id, user_id: id, roles, groups: roles }
  return new Map((set === 'own' ? OWN : SETS[set]).flatMap(({ name, field }) =>
    (values[field] ?? '') === '' ? [] : [[folded(name), values[field] ?? '']]))
}

type Lines = ReadonlyArray<readonly [name: string, value: string]>

/** What is wrong with the header lines that reached the app. */
export function wrongs (lines: Lines, expected: ReadonlyMap<string, string>): readonly string[] {
  return NAMES.map(folded).flatMap((name) => {
    const values = lines.filter(([one, value]) => folded(one) === name && value !== '').map(([, value]) => value)
    const [wanted] = [expected.get(name)]
    const isRight = values.join('\n') === (wanted ?? '')
    return isRight ? [] : [`${name}: ${JSON.stringify(values)} instead of ${wanted ?? 'nothing'}`]
  })
}
