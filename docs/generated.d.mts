/** @returns the page with the text in place of the former one; throws if the page lacks its markers */
export function withGenerated (page: string, source: string, text: string, command?: string): string
export function tableOf (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string
