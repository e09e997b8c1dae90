import type { Stamp } from '../../src/base/core/entry.ts'

/** What an entry carries that was made before any log was read. */
export const NO_LOG: Stamp = Object.freeze({ generation: '', position: Object.freeze({ id: '0-0', nonce: '' }) })
