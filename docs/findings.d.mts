export type Entry = Readonly<{ severity: string, mistake: string, why: string, set: string }>
/** @param page docs/doctor.md @param catalogue by the id of each finding */
export function withFindingsTable (page: string, catalogue: Readonly<Record<string, Entry>>): string
