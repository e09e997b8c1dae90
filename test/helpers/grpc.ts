import { join } from 'node:path'
import { Client, credentials, type ChannelCredentials, type MethodDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { Test } from 'tap'
import { CHECK_PATH } from '../../src/parts/grpc/listener.ts'

/** Envoy's messages by somebody else's code: what ours writes is read by it, and the other way round. */
const PROTOS = loadSync(join(import.meta.dirname, '../fixtures/envoy/ext_authz.proto'), {
  keepCase: true, oneofs: true, enums: Number, longs: Number
})
type Method = MethodDefinition<object, object>
const methodOf = (service: string): Method =>
  (PROTOS[`test.envoy.${service}`] as unknown as Readonly<Record<string, Method>>)['Check'] as Method
const [CHECK, HEALTH] = [methodOf('Authorization'), methodOf('Health')]
export const HEALTH_PATH = '/grpc.health.v1.Health/Check'

export interface HttpAttributes {
  readonly id?: string
  readonly method?: string
  readonly path?: string
  readonly host?: string
  /** Joined by commas, as Envoy does it without `encode_raw_headers`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly header_map?: Readonly<{ headers: ReadonlyArray<Readonly<Record<string, string | Buffer>>> }>
  readonly body?: string
}

export interface Attributes {
  readonly source?: object
  readonly request?: Readonly<{ http?: HttpAttributes }>
  readonly context_extensions?: Readonly<Record<string, string>>
}

interface HeaderOption {
  readonly header: Readonly<{ key: string, value: string, raw_value: Buffer }>
  readonly append: Readonly<{ value?: boolean }> | null
}

export interface CheckAnswer {
  readonly status: Readonly<{ code: number }> | null
  readonly denied_response?: Readonly<{ status: Readonly<{ code: number }>, headers: HeaderOption[], body: string }>
  readonly ok_response?: Readonly<{ headers: HeaderOption[], headers_to_remove: string[] }>
  readonly dynamic_metadata: Readonly<{ fields: Readonly<Record<string, unknown>> }> | null
}

export const encodeCheck = (attributes: Attributes | undefined): Buffer =>
  CHECK.requestSerialize(attributes === undefined ? {} : { attributes })
/** As a library reads it: of a field that comes twice the last one, or both merged. */
export const decodeCheckRequest = (bytes: Buffer): Readonly<{ attributes?: Attributes | null }> =>
  CHECK.requestDeserialize(bytes)
export const decodeCheck = (bytes: Buffer): CheckAnswer => CHECK.responseDeserialize(bytes) as CheckAnswer

export interface GrpcClient {
  /** @throws a gRPC error, which Envoy might let in */
  check (attributes: Attributes | undefined): Promise<CheckAnswer>
  /** Bytes as they are. */
  send (bytes: Buffer, path?: string): Promise<Buffer>
  /** The status as a number: 1 is SERVING. */
  health (service?: string): Promise<number>
  close (): void
}

/** On a connection of its own. @param at a port of this machine, or a socket file */
export function grpcClient (
  t: Pick<Test, 'teardown'>,
  at: number | string,
  secure: ChannelCredentials = credentials.createInsecure()
): GrpcClient {
  const address = typeof at === 'number' ? `localhost:${at}` : `unix:${at}`
  const client = new Client(address, secure, { 'grpc.use_local_subchannel_pool': 1 })
  t.teardown(() => client.close())
  const send = (bytes: Buffer, path = CHECK_PATH): Promise<Buffer> => new Promise((resolve, reject) => {
    const asItIs = (one: Buffer): Buffer => one
    client.makeUnaryRequest(path, asItIs, asItIs, bytes, (error: ServiceError | null, answer?: Buffer) => {
      if (error !== null || answer === undefined) reject(error ?? new Error('no answer'))
      else resolve(answer)
    })
  })
  return {
    send,
    check: async (attributes) => decodeCheck(await send(encodeCheck(attributes))),
    health: async (service = '') => {
      const answer = await send(HEALTH.requestSerialize({ service }), HEALTH_PATH)
      return (HEALTH.responseDeserialize(answer) as { status: number }).status
    },
    close: () => client.close()
  }
}

/** The header lines of an answer: a list where one name has several. */
export function linesOf (options: readonly HeaderOption[]): Readonly<Record<string, string>> {
  return Object.fromEntries(options.map(({ header }) => [header.key, header.value]))
}
