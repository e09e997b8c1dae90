import { loadConfig } from '../config.ts'
import type { Setting } from '../config.ts'
import type { Out } from './out.ts'

const line = ({ name, shown, source }: Setting): string => `${name}=${shown}  (${source})\n`

/** Policies stand in the proxy's configuration, so that nothing here can see one that nobody meets. */
const NOTE = 'note: today\'s Authgear sends no amr, so a route with `amr=…` in its policy refuses everybody (docs/policies.md)\n'

/** Prints the configuration as it counts, with secrets masked, and its warnings; or all that is wrong with it. Returns the exit code. */
export function check (env: NodeJS.ProcessEnv, out: Out): 0 | 1 {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') {
    loaded.errors.forEach(error => out.write(`error: ${error}\n`))
    return 1
  }
  loaded.settings.forEach(setting => out.write(line(setting)))
  loaded.warnings.forEach(warning => out.write(`warning: ${warning}\n`))
  out.write(NOTE)
  return 0
}
