import { readOptions } from '../../../src/commands/snippet/options.ts'
import { PROXIES, templateOf } from '../../../src/commands/snippet/proxies.ts'
import type { Files, Settings } from '../../../src/commands/snippet/settings.ts'

/** What these options say, where they are right. */
export function settingsFor (proxy: string, ...args: readonly string[]): Settings {
  const reading = readOptions([proxy, ...args], PROXIES)
  if (reading.kind !== 'options') throw new Error(`refused: ${JSON.stringify(reading)}`)
  return reading.options.settings
}

export const settingsOf = (...args: readonly string[]): Settings => settingsFor('caddy', ...args)

export function errorsOf (...args: readonly string[]): readonly string[] {
  const reading = readOptions(['caddy', ...args], PROXIES)
  return reading.kind === 'errors' ? reading.errors : []
}

/** What `snippet` writes. */
export const filesOf = (proxy: string, ...args: readonly string[]): Files =>
  templateOf(proxy)(settingsFor(proxy, ...args))

export const textOf = (files: Files): string => Object.values(files).join('\n')
