import type { Test } from 'tap'
import { loadConfig } from '../../../src/app/config.ts'
import type { Config, LoadedConfig } from '../../../src/base/config/index.ts'
import type { ReadFile, SettingsOf, Variables } from '../../../src/base/config/kind.ts'
import { read } from '../../../src/base/config/read.ts'

export const ENDPOINT = 'https://myapp.authgear.cloud'

type Files = Readonly<Record<string, string>>

const OWN_ADDRESSES = ['127.0.0.1', '10.0.0.7', 'fe80::1']
/** As V8 is in a container of 256 MiB. */
const CONTAINER = { limitBytes: 256 * 2 ** 20, isContainer: true, heapBytes: 140 * 2 ** 20 }

/** Loads with the one required variable given, and files out of a table instead of the disk; in a container. */
export function load (
  env: NodeJS.ProcessEnv,
  files: Files = {},
  ownAddresses: readonly string[] = OWN_ADDRESSES
): LoadedConfig {
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  }
  const machine = { readFile, ownAddresses: () => ownAddresses, memory: () => CONTAINER }
  return loadConfig({ AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, machine)
}

/** The configuration, or a failure that lists the errors. */
export function configOf (loaded: LoadedConfig): Config {
  if (loaded.kind === 'errors') throw new Error(loaded.errors.join('\n'))
  return loaded.config
}

export const errorsOf = (loaded: LoadedConfig): readonly string[] => loaded.kind === 'errors' ? loaded.errors : []

export const warningsOf = (loaded: LoadedConfig): readonly string[] => loaded.kind === 'ok' ? loaded.warnings : []

/**
 * What an environment comes to: its one error, or all of them; its warnings; or a part of the configuration, in which
 * each value that is named is exactly that one.
 */
type Outcome =
  | RegExp
  | readonly RegExp[]
  | Readonly<{ warns: readonly RegExp[] }>
  | Readonly<Record<string, unknown>>
export type Row = readonly [env: NodeJS.ProcessEnv, outcome: Outcome]

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The part of it that the other names. */
function partOf (value: unknown, named: unknown): unknown {
  if (!isObject(value) || !isObject(named)) return value
  return Object.fromEntries(Object.keys(named).map((key) => [key, partOf(value[key], named[key])]))
}

function isAll (t: Test, found: readonly string[], wanted: readonly RegExp[], what: string): void {
  t.equal(found.length, wanted.length, `${what}: ${found.join('; ')}`)
  t.match(found, wanted, what)
}

/** @param base what each row's variables are added to */
export function holds (t: Test, rows: readonly Row[], base: NodeJS.ProcessEnv = {}, files: Files = {}): void {
  for (const [env, outcome] of rows) {
    const loaded = load({ ...base, ...env }, files)
    const what = JSON.stringify(env).slice(0, 100)
    if (outcome instanceof RegExp) isAll(t, errorsOf(loaded), [outcome], what)
    else if (Array.isArray(outcome)) isAll(t, errorsOf(loaded), outcome, what)
    else if ('warns' in outcome) isAll(t, warningsOf(loaded), outcome.warns as readonly RegExp[], what)
    else t.strictSame(partOf(configOf(loaded), outcome), outcome, what)
  }
}

/** The settings of these rows in an environment that is in order. */
export function readRows<Rows extends Variables> (
  rows: Rows, env: NodeJS.ProcessEnv, readFile: ReadFile = () => ''
): SettingsOf<Rows> {
  const values = Object.entries(rows).map(([name, variable]) => {
    const reading = read(name, variable, env, readFile)
    if (reading.kind === 'error') throw new Error(reading.error)
    return [variable.as, reading.value]
  })
  return Object.fromEntries(values) as SettingsOf<Rows>
}

export const SECRET = 'k'.repeat(32)
export const OLD_SECRET = 'o'.repeat(32)

/** Tries what holds of each secret that has a previous one. @param env in which it is SECRET */
export function testRotation (
  t: Test,
  name: string,
  env: Readonly<Record<string, string>>,
  previousOf: (env: NodeJS.ProcessEnv, files: Files) => string | undefined
): void {
  const previous = `${name}_PREVIOUS`
  t.test(previous, async (t) => {
    t.test('may be set beside it, as text or as a file, and is masked', async (t) => {
      for (const form of [{ [previous]: OLD_SECRET }, { [`${previous}_FILE`]: '/old' }]) {
        const files = { '/old': `${OLD_SECRET}\n` }
        const loaded = load({ ...env, ...form }, files)
        t.equal(previousOf({ ...env, ...form }, files), OLD_SECRET)
        const settings = loaded.kind === 'ok' ? loaded.settings : []
        t.equal(settings.find((setting) => setting.name === previous)?.shown, '********')
      }
      t.equal(previousOf(env, {}), undefined)
    })

    t.test('is an error where it is short, the same, or alone', async (t) => {
      const { [name]: _, ...without } = env
      t.match(errorsOf(load({ ...env, [previous]: 'short' })), [new RegExp(`^${previous}: is shorter than`)])
      for (const form of [{ [previous]: SECRET }, { [`${previous}_FILE`]: '/same' }]) {
        const errors = errorsOf(load({ ...env, ...form }, { '/same': SECRET }))
        t.match(errors, [new RegExp(`^${previous}: is the same as ${name}`)])
      }
      const alone = errorsOf(load({ ...without, [previous]: OLD_SECRET }))
      t.ok(alone.some((error) => error.startsWith(`${previous}: works only with ${name}: `)), alone.join())
    })
  })
}
