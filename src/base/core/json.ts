/** @returns undefined for what is no JSON */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isString = (value: unknown): value is string => typeof value === 'string'
export const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0

export type Json = Readonly<Record<string, unknown>>

export function objectOf (value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Json : undefined
}

export function listOf (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** @returns undefined for what is no JSON, or no object */
export const parseObject = (text: string): Json | undefined => objectOf(parseJson(text))
