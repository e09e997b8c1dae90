import { readFileSync } from 'node:fs'
import type { AdminApiResponse } from '../../../src/base/authgear/admin-api/client.ts'

type Recorded = Readonly<{ name: string, ids: readonly string[], status: number, body: unknown }>

const FILE = new URL('./fixtures/profiles.json', import.meta.url)

export const recordedProfiles: readonly Recorded[] =
  (JSON.parse(readFileSync(FILE, 'utf8')) as { exchanges: Recorded[] }).exchanges

/** An answer about one user by `node` is the same as one by `nodes`. */
export function responseOf ({ status, body }: Pick<Recorded, 'status' | 'body'>): AdminApiResponse {
  const data = (body as { data?: { node?: unknown } } | null)?.data
  const isOne = data !== undefined && data !== null && 'node' in data
  const whole = isOne ? { ...body as object, data: { nodes: [data.node] } } : body
  return { status, body: typeof whole === 'string' ? whole : JSON.stringify(whole), date: '' }
}

/** `VXNlcjo…` → the user's id; what is no global id of a user stays as it is. */
export const userIdOf = (globalId: string): string =>
  /^User:(.*)$/s.exec(Buffer.from(globalId, 'base64url').toString())?.[1] ?? globalId
