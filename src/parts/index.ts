import type { Variables } from '../base/config/kind.ts'
import { accessRecord } from './access-record/index.ts'
import { accessRules } from './access-rules/index.ts'
import { assertion } from './assertion/index.ts'
import { auditLog } from './audit-log/index.ts'
import { clients } from './clients/index.ts'
import { events } from './events/index.ts'
import { grpc } from './grpc/index.ts'
import { identify } from './identify/index.ts'
import { login } from './login/index.ts'
import type { Loaded, Part } from '../base/parts/part.ts'
import { pages } from './pages/index.ts'
import { profile } from './profile/index.ts'
import { status } from './status/index.ts'
import { tokens } from './tokens/index.ts'
import { tracing } from './tracing/index.ts'

/** All parts, for the types. The order is that of the documentation; src/app/service.ts has that of opening. */
const all = [
  tracing, login, status, profile, accessRules, accessRecord, assertion, auditLog, tokens, clients, identify, grpc,
  events, pages
] as const

/** The same to iterate over: with no part in it, the elements of the tuple would be of the type `never`. */
export const parts: ReadonlyArray<Part<Variables, PartFindingId>> = all

/** The rows of each part. */
export type PartRows = (typeof all)[number]['variables']

/** The findings of `doctor` about each part. */
export type PartFindingId = (typeof all)[number]['findings'][number]['id']

type LoadedOf<One> = One extends Part<Variables, string, string, infer Deps, infer Opened>
  ? Loaded<Deps, Opened>
  : never

/** The parts that are on, each by its name and with the types of its own. */
export type PartsOn = { readonly [One in (typeof all)[number] as One['name']]?: LoadedOf<One> }

export const byName = (on: ReadonlyArray<Loaded<never, object>>): PartsOn =>
  Object.fromEntries(on.map((part) => [part.name, part]))
