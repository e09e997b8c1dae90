export { showBytes } from './parsers/values.ts'
export { loadConfig } from './load.ts'
export type { Config, Endpoint, ListenAddress, LoadedConfig, Setting } from './types.ts'
