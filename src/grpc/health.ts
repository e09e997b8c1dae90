import { numberField, Reader } from './protobuf.ts'

const [SERVING, NOT_SERVING] = [1, 2]

export type Health = Readonly<{
  /** A `HealthCheckRequest` in, a `HealthCheckResponse` out; undefined for a service that is not here. */
  check: (bytes: Buffer) => Buffer | undefined
  stopServing: () => void
}>

/** grpc.health.v1, without `Watch`: nothing is kept open for anybody. @param service the one beside the whole, `` */
export function createHealth (service: string): Health {
  let now = SERVING
  return Object.freeze({
    check: (bytes: Buffer) => ['', service].includes(serviceOf(bytes) ?? '-') ? numberField(1, now) : undefined,
    stopServing: () => { now = NOT_SERVING }
  })
}

function serviceOf (bytes: Buffer): string | undefined {
  try {
    let service = ''
    const reader = new Reader(bytes)
    for (let number = reader.next(); number !== 0; number = reader.next()) {
      if (number === 1) service = reader.text()
      else reader.skip()
    }
    return service
  } catch {
    return undefined
  }
}
