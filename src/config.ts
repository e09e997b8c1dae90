export type { Config, Endpoint, ListenAddress, LoadedConfig, Setting } from './config/types.ts'
