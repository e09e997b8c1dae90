export { showBytes } from './config/kinds/bytes.ts'
export { loadConfig } from './config/load.ts'
export type { Config, Endpoint, ListenAddress, LoadedConfig, Setting } from './config/types.ts'
