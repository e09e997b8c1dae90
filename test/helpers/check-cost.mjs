// What reading a gRPC check allocates, in bytes: times are noisy, bytes are not.
// Usage: node --expose-gc --no-concurrent-recompilation --min-semi-space-size=64 --max-semi-space-size=64 THIS_FILE
// BASE64. It prints a number.
import { readCheckRequest } from '../../src/parts/grpc/check-request.ts'

const [ROUNDS, CHECKS] = [10, 2000]
const bytes = Buffer.from(process.argv[2], 'base64')

/** Nothing is collected within a round, which is smaller than the young generation. */
function allocated () {
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < CHECKS; index++) readCheckRequest(bytes)
  return (process.memoryUsage().heapUsed - before) / CHECKS
}

const rounds = Array.from({ length: ROUNDS }, allocated)
process.stdout.write(String(Math.round(rounds.at(-1))))
