import type { Edits } from './proxy.ts'
import { swap } from './snippets.ts'

/** Envoy waits a second before it closes a connection that it has refused. */
export const FAST: Readonly<Record<string, Edits>> = {
  envoy: {
    'envoy.yaml': (written) =>
      swap(written, 'stat_prefix: web\n', 'stat_prefix: web\n          delayed_close_timeout: 0.05s\n')
  }
}

/** The first, then the second. */
export const bothEdits = (one: Edits, other: Edits): Edits =>
  Object.fromEntries(
    [...Object.keys(one), ...Object.keys(other)].map((file) => [
      file,
      (written: string) => (other[file] ?? ((text) => text))((one[file] ?? ((text) => text))(written))
    ])
  )
