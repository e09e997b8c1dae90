import { settingsOf, variables } from '../../../src/parts/login/variables.ts'
import { configOf, ENDPOINT, load, readRows } from '../../unit/config/helpers.ts'

/** The settings of an environment that is in order. */
export function signInOf (env: NodeJS.ProcessEnv, files: Readonly<Record<string, string>> = {}) {
  configOf(load(env, files))
  return settingsOf(readRows(variables, { AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, (path) => files[path] ?? ''))
}

export const loginOf = (...given: Parameters<typeof signInOf>) => signInOf(...given)?.login
