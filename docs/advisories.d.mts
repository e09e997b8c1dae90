export function advisories (): ReadonlyArray<Readonly<{ names: string, fault: string, file: string }>>
export function withAdvisories (page: string): string
