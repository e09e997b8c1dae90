import type { Variable } from '../src/config/kind.ts'

export type Row = Readonly<{ name: string, variable: Variable }>
/** @param page docs/configuration.md */
export function withVariablesTable (page: string, rows: readonly Row[]): string
/** @returns the whole of .env.example */
export function environmentExample (rows: readonly Row[]): string
