import { CATALOGUE, type Entry, type FindingId } from './catalogue.ts'

export type Finding = Readonly<{ id: FindingId, what: string }> & Pick<Entry, 'severity' | 'why' | 'set'>

/** @param what was seen: hosts, ports, codes and numbers, never anything of a credential or a secret */
export function found (id: FindingId, what: string): Finding {
  const { severity, why, set } = CATALOGUE[id]
  return { id, severity, what, why, set }
}
