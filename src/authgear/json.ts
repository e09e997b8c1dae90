import { parseJson as parseAny } from '../core/json.ts'

export type Json = Readonly<Record<string, unknown>>

export function objectOf (value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Json : undefined
}

export function listOf (value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Undefined for what is no JSON; Authgear's answers are objects. */
export function parseJson (text: string): Json | undefined {
  return objectOf(parseAny(text))
}
