import type { Simulator, SimulatorOptions } from './types.d.mts'

export type * from './types.d.mts'

/** An Authgear that keeps its users in memory: answers the resolver's paths as the real one does; listens when asked to. */
export function buildSimulator (options?: SimulatorOptions): Simulator
