/** Host and port of a listener; port 0 lets the system choose one (tests). */
export type ListenAddress = Readonly<{ kind: 'tcp', host: string, port: number } | { kind: 'unix', path: string }>

/**
 * The project's public origin as Authgear compares it: lower case, no default port. `host` carries a port that is not
 * the default.
 */
export type Endpoint = Readonly<{ origin: string, host: string, scheme: 'http' | 'https' }>

/** A key of Authgear's Admin API as its file says it: PKCS#8 in PEM. A JWK names its id, a PEM does not. */
export type AdminKeyFile = Readonly<{ pem: string, keyId: string | undefined }>

/** One variable as it counts: for `check`, with secrets already masked in `shown`. */
export type Setting = Readonly<{ name: string, shown: string, source: 'default' | 'set' | 'file' }>

/**
 * Docker's --env-file and Kubernetes keep quotation marks, shells do not: the commonest reason for a value that looks
 * right.
 */
export function quotationHint (text: string): string {
  return /^(["']).*\1$/s.test(text) ? ' (the quotation marks around it are part of the value: leave them out)' : ''
}

const LONGEST = 60

/** A value for a message: control characters escaped, long ones cut. Never for anything that may hold a secret. */
export function quote (text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
}

/** Reads a file as UTF-8 text, or byte by byte, or throws with the system's `code`. */
export type ReadFile = (path: string, encoding?: 'utf8' | 'latin1') => string

/** `shown` is what may be printed: masked where the value is secret. A `problem` never repeats a secret. */
export type Parsed<T> = Readonly<{ kind: 'parsed', value: T, shown: string } | { kind: 'problem', problem: string }>

/** The values that a variable accepts: `accepts` for the documentation, `parse` for the program. */
export type Kind<T> = Readonly<{ accepts: string, parse: (text: string, readFile: ReadFile) => Parsed<T> }>

export const parsed = <T>(value: T, shown: string): Parsed<T> => ({ kind: 'parsed', value, shown })

export const problem = (text: string): Parsed<never> => ({ kind: 'problem', problem: text })

/**
 * One row of the table. At most one of `fallback` (the default, as text) and `required`; with neither it is optional.
 * `derived` says in words what stands in for an optional one. `secret` masks it and gives it a `_FILE` twin.
 */
export type Variable = Readonly<{
  /** Its name in the program; within its group nothing else is called so. */
  as: string
  kind: Kind<unknown>
  meaning: string
  fallback?: string
  required?: true
  derived?: string
  secret?: true
  /** Gives it a `_FILE` twin although it is no secret. */
  file?: true
  example?: string
  /** True if an empty value is an error: with others it counts as unset. */
  neverEmpty?: true
  /** True if a listener listens at its value: no two of them may be the same. */
  listens?: true
}>

/** True if a file may hold the value: `NAME_FILE` names it. */
export function hasFile ({ secret, file }: Pick<Variable, 'secret' | 'file'>): boolean {
  return secret === true || file === true
}

/** The type of a row's parsed value: undefined only where it has no default. */
type ValueOf<V> = V extends { kind: Kind<infer T> }
  ? V extends { fallback: string } | { required: true } ? T : T | undefined
  : never

/** A group of rows of the table. */
export type Variables = Readonly<Record<string, Variable>>

/** The values of a group under the names of its variables. */
export type ValuesOf<Rows extends Variables> = { readonly [Name in keyof Rows]: ValueOf<Rows[Name]> }

/** The values of a group by the names that the program has for them. */
export type SettingsOf<Rows extends Variables> = {
  readonly [Name in keyof Rows as NameOf<Rows[Name]>]: ValueOf<Rows[Name]>
}
type NameOf<Row> = Row extends { as: infer As extends string } ? As : never

/** The values of these rows by the program's names: the table says again what each of them was read as. */
export function settingsOf<Rows extends Variables> (rows: Rows, values: ValuesOf<Rows>): SettingsOf<Rows> {
  return Object.fromEntries(
    Object.entries(rows).map(([name, { as }]) => [as, values[name as keyof Rows]])
  ) as SettingsOf<Rows>
}

/** @param what has to be set for each of these to mean something */
export function meantOnlyWith<Name extends string> (
  what: string, names: readonly Name[], { isSet }: Readonly<{ isSet: (name: Name) => boolean }>
): readonly string[] {
  return names.filter(isSet).map((name) => `${name}: works only with ${what}: set that too, or leave this out`)
}

/** Rules of a secret and the one before it. `none` seals with what everybody knows: there is nothing to rotate. */
export function isRotated<Name extends string> (
  previous: Name,
  current: Name,
  { isSet, values }: Readonly<{ isSet: (name: Name) => boolean, values: Readonly<Partial<Record<Name, unknown>>> }>
): readonly (string | false)[] {
  return [
    isSet(previous) &&
      (!isSet(current) || values[current] === 'none') &&
      `${previous}: works only with ${current}${values[current] === 'none' ? ', which is none' : ''}: set that to the ` +
        'new secret, or leave this out',
    values[previous] !== undefined &&
      values[previous] === values[current] &&
      `${previous}: is the same as ${current}: set ${current} to the new secret, or leave this out`
  ]
}
