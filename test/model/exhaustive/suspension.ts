import type { Suspension, Token } from './state.ts'

/** `src/base/revocation/suspension.ts`, `saw`. */
export function saw (suspension: Suspension, generation: Token): Suspension {
  return generation === suspension.seen ? suspension : { ...suspension, seen: generation, isSeenNew: true }
}

/** `suspension.ts`, `adopted`. */
export function adopted (suspension: Suspension, maxChanges: number, isFirst: boolean): Suspension {
  if (isFirst || maxChanges === 0) return suspension
  const changes = Math.min(suspension.changes + 1, maxChanges + 1)
  return { ...suspension, changes, hasJustAdopted: true, isActive: suspension.isActive || changes > maxChanges }
}

/** `suspension.ts`, `mayAdopt`: 10 s are a tick. */
export const mayAdopt = ({ isActive, hasJustAdopted }: Suspension): boolean => !isActive || !hasJustAdopted

/** `suspension.ts`, `mayChange`. */
export const mayChange = ({ isActive, hasJustAdopted, isSeenNew }: Suspension): boolean =>
  !isActive || (!hasJustAdopted && !isSeenNew)

/** `mayChange`: a yes counts as the attempt. */
export const tried = (suspension: Suspension, maxChanges: number): Suspension =>
  maxChanges === 0 ? suspension : { ...suspension, isSeenNew: true }
