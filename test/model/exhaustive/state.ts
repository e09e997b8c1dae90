/** A resolution: of which log and time it is, what its replica had learned of, and how many revocations were taken. */
export type Entry = Readonly<{ log: number, at: number, local: number, age: number }>

export type Replica = {
  isUp: boolean
  /** Of the server that it heard last; 0: none yet. */
  history: number
  log: number
  at: number
  /** Since the last write or fault. */
  hasPolled: boolean
  local: number
  floor: number
  /** Of each revocation: how many were known with it, and its time in this log; 0: not known, not read here. */
  known: number[]
  times: number[]
  /** Taken here and not read back: how many were known with it; 0: none. */
  own: number[]
  /** Revocations that this log may lack. */
  lacking: number[]
  memory: Entry | undefined
  flight: Entry | undefined
}

export type Server = {
  history: number
  log: number
  /** The history in which the log was begun, and how many entries it must have. */
  begun: number
  count: number
  stream: number[]
  shared: Entry | undefined
}

export type State = {
  replicas: Replica[]
  server: Server
  logs: number
  taken: number
  asked: number
  acknowledged: number[]
  faults: number
  wrong: string | undefined
}

export const born = (revocations: number): Replica => ({
  isUp: true,
  history: 0,
  log: 0,
  at: 0,
  hasPolled: false,
  local: 0,
  floor: 0,
  known: Array<number>(revocations).fill(0),
  times: Array<number>(revocations).fill(0),
  own: Array<number>(revocations).fill(0),
  lacking: [],
  memory: undefined,
  flight: undefined
})

export function initial (revocations: number): State {
  const server: Server = { history: 1, log: 0, begun: 0, count: 0, stream: [], shared: undefined }
  return {
    replicas: [born(revocations), born(revocations)],
    server,
    logs: 0,
    taken: 0,
    asked: 0,
    acknowledged: [],
    faults: 0,
    wrong: undefined
  }
}
