import { loadConfig } from '../config.ts'
import type { Setting } from '../config.ts'
import type { Out } from './out.ts'

const line = ({ name, shown, source }: Setting): string => `${name}=${shown}  (${source})\n`

/** Prints the configuration as it counts, with secrets masked, and its warnings; or all that is wrong with it. Returns the exit code. */
export function check (env: NodeJS.ProcessEnv, out: Out): 0 | 1 {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') {
    loaded.errors.forEach(error => out.write(`error: ${error}\n`))
    return 1
  }
  loaded.settings.forEach(setting => out.write(line(setting)))
  loaded.warnings.forEach(warning => out.write(`warning: ${warning}\n`))
  return 0
}
