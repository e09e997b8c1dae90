/** For the tests; record.mjs itself is checked as it is. */
export interface AccessRecord { readonly folder: string, readonly file: string }
export function createRecord (): AccessRecord | undefined
export function recordLines (file: string, hasJq?: boolean): string[]
