import { type Config, loadConfig, type LoadedConfig } from '../../../src/config/index.ts'

export const ENDPOINT = 'https://myapp.authgear.cloud'

const OWN_ADDRESSES = ['127.0.0.1', '10.0.0.7', 'fe80::1']
/** As V8 is in a container of 256 MiB. */
const CONTAINER = { limitBytes: 256 * 2 ** 20, isContainer: true, heapBytes: 140 * 2 ** 20 }

/** Loads with the one required variable given, and files out of a table in place of the disk; in a container. */
export function load (
  env: NodeJS.ProcessEnv,
  files: Readonly<Record<string, string>> = {},
  ownAddresses: readonly string[] = OWN_ADDRESSES,
  nodeVersion = '24.2.0'
): LoadedConfig {
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  }
  const machine = { readFile, ownAddresses: () => ownAddresses, memory: () => CONTAINER, nodeVersion }
  return loadConfig({ AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, machine)
}

/** The configuration, or a failure that lists the errors. */
export function configOf (loaded: LoadedConfig): Config {
  if (loaded.kind === 'errors') throw new Error(loaded.errors.join('\n'))
  return loaded.config
}

export const errorsOf = (loaded: LoadedConfig): readonly string[] => loaded.kind === 'errors' ? loaded.errors : []

export const warningsOf = (loaded: LoadedConfig): readonly string[] => loaded.kind === 'ok' ? loaded.warnings : []
