import { readOptions } from '../../../src/commands/snippet/options.ts'
import { templateOf } from '../../../src/commands/snippet/proxies.ts'
import { canonical, type Files, type Settings } from '../../../src/commands/snippet/settings.ts'
import { parts } from '../../../src/parts/index.ts'

function optionsFor (proxy: string, ...args: readonly string[]) {
  const reading = readOptions([proxy, ...args])
  if (reading.kind !== 'options') throw new Error(`refused: ${JSON.stringify(reading)}`)
  return reading.options
}

/** What these options say, where they are right. */
export const settingsFor = (proxy: string, ...args: readonly string[]): Settings => optionsFor(proxy, ...args).settings

export const settingsOf = (...args: readonly string[]): Settings => settingsFor('caddy', ...args)

export function errorsOf (...args: readonly string[]): readonly string[] {
  const reading = readOptions(['caddy', ...args])
  return reading.kind === 'errors' ? reading.errors : []
}

/** Headers of each part that has some, and the option that passes them on. */
export const SENT = parts.flatMap(({ sends }) => sends ?? [])
  .map(({ flag, names }) => ({ option: `--${flag}`, names: names.map(canonical) }))
export const ALL_SENT = SENT.map(({ option }) => option)

/** What `snippet` writes. */
export function filesOf (name: string, ...args: readonly string[]): Files {
  const { proxy, settings } = optionsFor(name, ...args)
  return templateOf(proxy)(settings)
}

export const textOf = (files: Files): string => Object.values(files).join('\n')
