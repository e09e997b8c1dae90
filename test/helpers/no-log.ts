import type { Stamp } from '../../src/core/entry.ts'

/** What an entry carries that was made before any log was read. */
export const NO_LOG: Stamp = Object.freeze({ log: '', at: '0-0' })
