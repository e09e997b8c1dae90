import type { Kind } from './kind.ts'

export type Group = 'Authgear' | 'Listeners' | 'Cache' | 'Redis' | 'Login' | 'Service'

/**
 * One row of the table. At most one of `fallback` (the default, as text) and `required`; with neither it is optional.
 * `derived` says in words what stands in for an optional one. `secret` masks it and gives it a `_FILE` twin.
 */
export type Variable = Readonly<{
  group: Group
  kind: Kind<unknown>
  meaning: string
  fallback?: string
  required?: true
  derived?: string
  secret?: true
  example?: string
}>

/** What a row's parsed value is: undefined only where nothing stands in for it. */
export type ValueOf<V> = V extends { kind: Kind<infer T> }
  ? V extends { fallback: string } | { required: true } ? T : T | undefined
  : never
