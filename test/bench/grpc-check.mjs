// Envoy's question over gRPC, as its protocol says it and not by our own code.
import { Client, credentials } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { CHECK_PATH } from './grpc-frame.mjs'

const PROTO = new URL('../fixtures/envoy/ext_authz.proto', import.meta.url).pathname
const METHOD = loadSync(PROTO, { keepCase: true, enums: Number, longs: Number })['test.envoy.Authorization'].Check
const UNAUTHENTICATED = 16

/** The lines that Envoy sends of a client's request, with `encode_raw_headers` as `snippet` has it. */
const linesOf = (authorization) => [
  [':authority', 'app.example.com'], [':path', '/orders'], [':method', 'GET'], [':scheme', 'https'], ['accept', '*/*'],
  ['user-agent', 'bench'], ['authorization', authorization], ['x-request-id', '5e7a2f0c-0000-4000-8000-000000000001']
].map(([key, value]) => ({ key, raw_value: Buffer.from(value) }))

/** @returns the bytes of a `CheckRequest` */
function checkOf (authorization) {
  return METHOD.requestSerialize({
    attributes: {
      source: { address: { socket_address: { address: '203.0.113.7', port_value: 40_000 } } },
      request: {
        http: {
          id: '1',
          method: 'GET',
          path: '/orders',
          host: 'app.example.com',
          scheme: 'https',
          protocol: 'HTTP/1.1',
          header_map: { headers: linesOf(authorization) }
        }
      }
    }
  })
}

/** @returns what load.mjs asks: the question of this token and the answer that allows it, both base64 */
export async function examineGrpc (port, token, refusedToken) {
  const [message, stranger] = [token, refusedToken].map((one) => checkOf(`Bearer ${one}`))
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  try {
    const answer = await send(client, message)
    const { status, ok_response: ok } = METHOD.responseDeserialize(answer)
    const names = ok?.headers.map(({ header }) => header.key) ?? []
    if (status?.code !== 0 || !names.includes('x-authgear-user-id')) throw new Error('gRPC: the token is refused')
    const refusal = METHOD.responseDeserialize(await send(client, stranger))
    if (refusal.status?.code !== UNAUTHENTICATED) throw new Error('gRPC: a token that is nobody\'s is allowed')
    const again = await send(client, message)
    const { source } = METHOD.responseDeserialize(again).dynamic_metadata.fields
    if (source.stringValue !== 'memory') throw new Error('gRPC: the answer is not from memory')
    return { message: message.toString('base64'), answer: again.toString('base64') }
  } finally {
    client.close()
  }
}

const asItIs = (bytes) => bytes
const send = (client, bytes) => new Promise((resolve, reject) => {
  client.makeUnaryRequest(CHECK_PATH, asItIs, asItIs, bytes, (error, answer) => {
    if (error === null) resolve(answer)
    else reject(error)
  })
})
