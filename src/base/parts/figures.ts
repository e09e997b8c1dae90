/** Numbers of a part that is open: how things are now, and how much was counted in the window of the status page. */
export type PartNumbers = Readonly<{ now: Readonly<Record<string, number>>, since: Readonly<Record<string, number>> }>

export type PartProblem = Readonly<{
  level: 'warn' | 'bad'
  when: (numbers: PartNumbers) => boolean
  sentence: (numbers: PartNumbers) => string
  /** Markup below the sentences. */
  note?: string
  /** An anchor of docs/runbook.md. */
  link: string
}>

/** An alert of Prometheus; its section of docs/runbook.md is called like it. */
export type Alert = Readonly<{
  alert: string
  /** The PromQL of what is looked at; `$one` is where what selects one installation goes. */
  value: string
  /** The limit that it is compared with; left out where there being something is enough. */
  when?: string
  for?: string
  severity: 'critical' | 'warning'
  summary: string
  description: string
}>

/** A figure of the table by minutes, from one of the part's numbers. */
export type PartFigure = Readonly<{
  id: string
  name: string
  number: string
  /** True if it counts since the start; else it says how things are. */
  isCounted?: boolean
}>
export type PartFigures = Readonly<{ id: string, title: string, figures: readonly PartFigure[] }>

/** A part's place on the status page. */
export type StatusOf = Readonly<{
  /** Rows of the list of facts. */
  facts?: (now: PartNumbers['now']) => ReadonlyArray<readonly [name: string, value: string, isGood: boolean]>
  problems?: readonly PartProblem[]
  figures?: (now: PartNumbers['now']) => PartFigures
  alerts?: readonly Alert[]
  /** Its members of `now` in /status.json. */
  json?: (now: PartNumbers['now']) => Readonly<Record<string, unknown>>
}>

/** The same with the name of the part. */
export type NamedFigures = Readonly<{ name: string, status: StatusOf }>
