import {
  type Endpoint, type ListenAddress, type ReadFile, type SettingsOf, settingsOf, type ValuesOf, type Variables
} from '../config/kind.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { CountsOf, MetricTable, ReadersOf } from '../metrics/table.ts'
import type { FactName } from '../core/requirement.ts'
import type { UserField } from '../identity/sets.ts'
import type { Arrived, At, Check, Checked, Explained, Found, HostSubject, PartFinding } from './findings.ts'
import type { OpenPart } from './feature.ts'
import type { NamedFigures, StatusOf } from './figures.ts'

/** Facts of the base for the rules of parts. Its variables would close a circle of types. */
export type BaseFacts = Readonly<{
  hasRedis: boolean
  /** False with CACHE_SECRET=none: nothing in Redis is sealed. */
  isSealed: boolean
  hasAdminApi: boolean
  /** LOGIN_SESSION=own: this service holds an access token of everybody who signed in. */
  hasOwnSessions: boolean
  /** AUTHGEAR_ENDPOINT; undefined if it cannot be understood. */
  authgear: Endpoint | undefined
  /** IDENTITY_USER; undefined if it cannot be understood. */
  identityUser: UserField | undefined
  readFile: ReadFile
}>

/** A part's own variables, and those facts: all that its rules read. */
type ReadingsOf<Rows extends Variables> = Readonly<{
  base: BaseFacts
  values: Partial<ValuesOf<Rows>>
  /** True if a variable was set, understood or not. */
  isSet (name: keyof Rows & string): boolean
}>
/** A rule over several variables, for errors or for warnings: its sentences are written for the operator. */
export type Rule<Rows extends Variables> = (readings: ReadingsOf<Rows>) => readonly (string | false)[]

/** The address of a part's listener, and the variable that holds it. */
type Listens<Name extends string> = Readonly<{
  variable: Name
  address: ListenAddress
  /** Its name in the line of the start; else the part's. */
  shown?: string
  /** True if it speaks no TLS, whatever LISTEN_TLS_* say. */
  isPlain?: true
}>

/** Headers that a part may send, for whatever names them ahead: listeners, `snippet`, and proxies that strip them. */
type Sends = Readonly<{
  /** The option of `snippet` that passes them on. */
  flag: string
  usage: string
  /** In lower case. */
  names: readonly string[]
  /** The header whose value is a token: it is recorded by its digest. */
  token?: string
}>

type AsksFacts<Name extends string> = Readonly<{ variable: Name, facts: readonly FactName[] }>

type Open<Settings, Table, Deps, One> =
  (settings: Settings, given: Deps, count: CountsOf<Table>) => One & Readonly<{ gauges: ReadersOf<Table> }>

/** What the base asks of a part that is on. */
type Claims<Name extends string = string> = Readonly<{
  listens?: Listens<Name>
  /** True if apps know sessions by names that are made of digests: revocations then name those of both secrets. */
  namesSessions?: true
  /** True if it tells of clients that are deleted at Authgear. */
  tellsDeletions?: true
  /** Words about Authgear in the line of the start. */
  banner?: string
  /** True if what it makes is refused by clocks that differ by seconds. */
  isTimed?: true
  /** True if what it asks of people says who may enter: else the start warns that everyone who registers may. */
  saysWhoEnters?: boolean
  /** The facts about people that it knows, and by which rules may decide. */
  knowsFacts?: readonly FactName[]
  /** The facts that its own rules ask for, and the variable that holds them. */
  asksFacts?: AsksFacts<Name>
  /** Its share of CACHE_MAX_MEMORY. */
  memoryShare?: number
  /** Its share of what all other parts leave of it. */
  restShare?: number
  /** Milliseconds for which it remembers what a revocation may end. */
  remembersMs?: number
  /** The longest life of tokens that it judges by the revocation log, which keeps revocations for as long. */
  tokenMaxAgeMs?: number
  /** Data of people that only Redis keeps, in the words of a message. */
  keepsInRedis?: string | undefined
  /** True if people sign in at Authgear through it: everyone who can register there can. */
  signsIn?: boolean
  /** Why Authgear's cookies are not read, in the words of a message; undefined: they are. */
  hidesCookies?: string | undefined
  /** Lines that `check` prints. */
  notes?: readonly string[]
  /** True if SIGHUP makes it open its files again, and so does not end the process. */
  reopens?: boolean
}>

/** What `doctor`, and `check` with a host, find out about a part. */
type Doctor<Settings, Id extends string> = Readonly<{
  findings?: ReadonlyArray<PartFinding<Id>>
  checks?: ReadonlyArray<Check<Settings, Id>>
  /** Judges what reached the app. */
  arrived?: (settings: Settings, arrived: Arrived) => Promise<ReadonlyArray<Found<Id>>>
  /** Explains a token that was pasted; undefined where it would not judge that one. */
  pasted?: (settings: Settings, token: string, at: At) => Promise<Explained<Id> | undefined>
  /** Why nobody who opens that host could sign in, each with what to do; `settings` is undefined where it is off. */
  hostProblems?: (settings: Settings | undefined, subject: HostSubject) => readonly (string | false)[]
}>

type Definition<
  Name extends string, Rows extends Variables, Settings, Table extends MetricTable, Id extends string, Deps, One
> = Readonly<{
  name: Name
  /** The heading of its variables. */
  title: string
  variables: Rows
  /** An environment in which all of it is on: for the documentation's tables, and for tests of the whole. */
  example: Readonly<Record<string, string>>
  /** A variable without which it is off, and its own have no effect. It may be another part's, and that one gone. */
  needs?: string
  rules?: ReadonlyArray<Rule<Rows>>
  warnings?: ReadonlyArray<Rule<Rows>>
  /** Undefined: it is off. `hasValue` asks for any variable by its name; `env` is for those of a library. */
  configure: (
    values: SettingsOf<Rows>, hasValue: (name: string) => boolean, env: NodeJS.ProcessEnv
  ) => Settings | undefined
  claims?: (settings: Settings) => Claims<keyof Rows & string>
  sends?: Sends
  doctor?: Doctor<Settings, Id>
  status?: StatusOf
  /** Its metrics, shown only while it is on. */
  metrics: (settings: Settings) => Table
  /** Loads what opens it: a `check`, a `healthcheck` or a start without it does not load its code. */
  load: () => Promise<Open<Settings, Table, Deps, One>>
}>

/** A part whose code is loaded. */
export type Loaded<Deps, One> = NamedFigures & Readonly<{
  claims: Claims
  sends: Sends | undefined
  /** Registers its metrics. @returns what opens it */
  register: (metrics: Pick<Metrics, 'register'>) => (given: Deps) => One
}>

/** A part that is on: the types of its settings are closed in, so that a list of parts needs none of them. */
export type Configured<Deps = never, One = object> = Readonly<{
  name: string
  claims: Claims
  sends: Sends | undefined
  hostProblems: (subject: HostSubject) => readonly (string | false)[]
  /** In the order of the part's list. */
  checks: ReadonlyArray<(at: At) => Promise<Checked<string>>>
  arrived: (arrived: Arrived) => Promise<ReadonlyArray<Found<string>>>
  pasted: (token: string, at: At) => Promise<Explained<string> | undefined>
  load: () => Promise<Loaded<Deps, One>>
}>

export type Part<
  Rows extends Variables, Id extends string, Name extends string = string, Deps = never, One = object
> = Readonly<{
  name: Name
  title: string
  variables: Rows
  example: Readonly<Record<string, string>>
  sends: Sends | undefined
  status: StatusOf
  findings: ReadonlyArray<PartFinding<Id>>
  checks: ReadonlyArray<Pick<Check<never, Id>, 'title' | 'off' | 'needs' | 'isForInit'>>
  // methods, whose parameters are compared in both directions: a list holds parts of different rows
  /** The errors of its rules. */
  broken (readings: ReadingsOf<Rows>): readonly (string | false)[]
  /** Its warnings. */
  doubtful (readings: ReadingsOf<Rows>): readonly (string | false)[]
  /** True if some of its warnings are about hosts that people open. */
  judgesHosts: boolean
  /** Why nobody could sign in at that host while it is off. */
  hostProblems (subject: HostSubject): readonly (string | false)[]
  /** Undefined: it is off. */
  configure (values: ValuesOf<Rows>, env: NodeJS.ProcessEnv): Configured<Deps, One> | undefined
}>

/** One of any rows and findings. */
export type AnyPart = Part<Variables, string>

/** The order of its properties counts: TypeScript infers settings from `configure` before it looks at `metrics`. */
export function definePart<
  const Name extends string,
  const Rows extends Variables,
  Settings,
  const Table extends MetricTable,
  Deps,
  One extends OpenPart,
  Id extends string = never
> (definition: Definition<Name, Rows, Settings, Table, Id, Deps, One>): Part<Rows, Id, Name, Deps, One> {
  const { name, title, variables, example, rules = [], warnings = [], sends, status = {} } = definition
  const { doctor: { findings = [], checks = [], hostProblems } = {}, needs } = definition
  return Object.freeze({
    name,
    title,
    variables,
    example,
    sends,
    status,
    findings,
    checks,
    broken: (readings: ReadingsOf<Rows>) => rules.flatMap((rule) => rule(readings)),
    doubtful: (readings: ReadingsOf<Rows>) =>
      idle(needs, variables, readings) ?? warnings.flatMap((rule) => rule(readings)),
    judgesHosts: hostProblems !== undefined,
    hostProblems: (subject: HostSubject) => hostProblems?.(undefined, subject) ?? [],
    configure (values: ValuesOf<Rows>, env: NodeJS.ProcessEnv): Configured<Deps, One> | undefined {
      const all: Readonly<Record<string, unknown>> = values
      const hasValue = (variable: string): boolean => all[variable] !== undefined
      if (needs !== undefined && !hasValue(needs)) return undefined
      const settings = definition.configure(settingsOf(variables, values), hasValue, env)
      return settings === undefined ? undefined : configured(definition, settings)
    }
  })
}

/** Warns of its variables that are set although it is off without another one. @returns undefined where that is set */
function idle<Rows extends Variables> (
  needs: string | undefined, variables: Rows, { isSet }: Readonly<{ isSet: (name: string) => boolean }>
): readonly string[] | undefined {
  if (needs === undefined || isSet(needs)) return undefined
  return Object.keys(variables).filter(isSet).map((name) => `${name}: has no effect without ${needs}`)
}

function configured<Rows extends Variables, Settings, Table extends MetricTable, Id extends string, Deps, One> (
  definition: Definition<string, Rows, Settings, Table, Id, Deps, One>, settings: Settings
): Configured<Deps, One> {
  const { name, sends, doctor: { checks = [], arrived, pasted, hostProblems } = {} } = definition
  const claims = definition.claims?.(settings) ?? {}
  return {
    name,
    claims,
    sends,
    hostProblems: (subject) => hostProblems?.(settings, subject) ?? [],
    checks: checks.map(({ run }) => (at) => run(settings, at)),
    arrived: async (seen) => await arrived?.(settings, seen) ?? [],
    pasted: async (token, at) => await pasted?.(settings, token, at),
    load: () => loaded(definition, settings, claims)
  }
}

async function loaded<Rows extends Variables, Settings, Table extends MetricTable, Id extends string, Deps, One> (
  { name, sends, status = {}, metrics, load }: Definition<string, Rows, Settings, Table, Id, Deps, One>,
  settings: Settings,
  claims: Claims
): Promise<Loaded<Deps, One>> {
  const open = await load()
  return Object.freeze({
    name,
    status,
    claims,
    sends,
    register (all: Pick<Metrics, 'register'>) {
      const { count, read } = all.register(metrics(settings))
      return (given: Deps) => {
        const opened = open(settings, given, count)
        read(opened.gauges)
        return opened
      }
    }
  })
}
