import type { Success } from './types.ts'

/** A proxy takes any 2xx for a yes: who may import this is a rule of .dependency-cruiser.cjs. */
export const OK = 200 as Success
export const NO_CONTENT = 204 as Success
