import { canonical, IDENTITY, UNUSED_IDENTITY } from '../../src/commands/snippet/settings.ts'
import { SETS } from '../../src/base/identity/sets.ts'
import { parts } from '../../src/parts/index.ts'
import {
  IDENTITY_HEADERS, readResolution, type Identity, type Resolution, valuesOf
} from '../../src/base/core/resolution.ts'

/** Every name that Authgear has, the one without a value today too: a client may send each. */
export const AUTHGEAR_HEADERS: readonly string[] = [...IDENTITY, UNUSED_IDENTITY]
/** The names that parts send. */
export const PART_HEADERS: readonly string[] = parts.flatMap(({ sends }) => sends?.names ?? []).map(canonical)
/** Every name that an app may trust, though nobody chose it: no client's may reach one. */
export const TRUSTED_HEADERS: readonly string[] =
  [...AUTHGEAR_HEADERS, ...Object.values(SETS).flat().map(({ name }) => name), ...PART_HEADERS]

export const USER_ID = 'af5f2766-5d0c-49a4-b726-8f2671749035'

/** What Authgear answers for somebody signed in; `undefined` leaves a header out. */
export function identityOf (
  some: Readonly<Record<string, string | undefined>> = {}
): ReadonlyArray<string | undefined> {
  const all: Readonly<Record<string, string | undefined>> = {
    'session-valid': 'true',
    'user-id': USER_ID,
    'user-anonymous': 'false',
    'user-verified': 'true',
    'user-roles': 'admin,editor',
    'session-amr': '',
    'session-authenticated-at': '1795561910',
    'user-can-reauthenticate': 'true',
    ...some
  }
  return IDENTITY_HEADERS.map(name => all[name.slice('x-authgear-'.length)])
}

/** As header lines of an answer, flat. */
export function headersOf (identity: Identity): string[] {
  return valuesOf(identity).flatMap((value, i) => value === undefined ? [] : [IDENTITY_HEADERS[i] ?? '', value])
}

export function validResolution (
  some: Readonly<Record<string, string | undefined>> = {}
): Resolution & { kind: 'valid' } {
  const reading = readResolution(headersOf(identityOf(some)))
  if (reading.kind !== 'resolution' || reading.resolution.kind !== 'valid') throw new Error('that is nobody')
  return reading.resolution
}

export const INVALID: Resolution = Object.freeze({ kind: 'invalid', noIdentityHeaders: false })
export const SILENT: Resolution = Object.freeze({ kind: 'invalid', noIdentityHeaders: true })
