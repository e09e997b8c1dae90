import type { Variable } from '../src/config/kind.ts'

type Schema = Readonly<{ properties?: Readonly<Record<string, Schema>> }>

/** @param schema the chart's values.schema.json */
export function chartKnowledge (rows: readonly Readonly<{ name: string, variable: Variable }>[], schema: Schema): string
