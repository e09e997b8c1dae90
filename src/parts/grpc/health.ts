import { numberField, Reader } from './protobuf.ts'

const [SERVING, NOT_SERVING] = [1, 2]

export type Health = ReturnType<typeof createHealth>

/** grpc.health.v1, without `Watch`: nothing is kept open for anybody. @param service the one beside the whole, `` */
export function createHealth (service: string) {
  let now = SERVING
  return Object.freeze({
    /** A `HealthCheckRequest` in, a `HealthCheckResponse` out; undefined for a service that is not here. */
    check (bytes: Buffer): Buffer | undefined {
      return ['', service].includes(serviceOf(bytes) ?? '-') ? numberField(1, now) : undefined
    },
    /** Says so to `grpc.health.v1` from now on. */
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
