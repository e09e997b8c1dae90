export { showBytes } from './parsers/values.ts'
export type { Config } from './assemble.ts'
export { loadConfig, type LoadedConfig } from './load.ts'
export type { Endpoint, ListenAddress, Setting } from './types.ts'
