export { showBytes } from './parsers/values.ts'
export type { Config } from './assemble.ts'
export { loadConfig, type LoadedConfig } from './load.ts'
export type { ListenAddress, Setting } from './types.ts'
