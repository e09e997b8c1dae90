import type { Clock } from '../clock.ts'
import { typesToRead } from './activity.ts'
import { AuditError } from './audit-error.ts'
import type { AuditClient } from './client.ts'

export type KnownTypes = Readonly<{
  /** The types to ask for. @throws {AuditError} */
  get: () => Promise<readonly string[]>
  /** A query failed, perhaps for that reason. */
  forget: () => void
}>

/** Milliseconds after which Authgear is asked again: it may have been updated. */
const LIFE = 10 * 60_000

/** Asked by introspection first, since Authgear refuses a whole query that names a type it does not know. */
export function createKnownTypes (client: Pick<AuditClient, 'types'>, clock: Pick<Clock, 'monotonic'>): KnownTypes {
  let known: Readonly<{ names: readonly string[], at: number }> | undefined
  return Object.freeze({
    async get () {
      if (known !== undefined && clock.monotonic() - known.at < LIFE) return known.names
      const names = typesToRead(await client.types())
      if (names.length === 0) throw new AuditError('query')
      known = { names, at: clock.monotonic() }
      return names
    },
    forget: () => { known = undefined }
  })
}
