import t from 'tap'
import { readArguments } from '../../../src/commands/command-line.ts'

const OPTIONS = {
  user: { type: 'string', short: 'u' }, host: { type: 'string', multiple: true }, ended: { type: 'boolean' }
} as const
const read = (...args: readonly string[]): unknown => readArguments(args, OPTIONS, () => 'not understood')

t.test('an option that is given twice is an error, whatever its values', async (t) => {
  const repeated = [['--user', 'a', '--user', 'b'], ['--user=a', '-u', 'a'], ['--user', 'a', '--ended', '--user=b']]
  for (const args of repeated) {
    t.equal(read(...args), '--user is given twice', args.join(' '))
  }
  t.equal(read('--ended', '--ended'), '--ended is given twice')
})

t.test('an option that takes several values may be repeated', async (t) => {
  t.match(read('--host', 'a', '--host', 'b', '--user', '--ended'), 'not understood')
  t.match(read('--host', 'a', '--host', 'b', '--user', 'a'), { host: ['a', 'b'], user: 'a' })
})
