import { readFileSync } from 'node:fs'
import t from 'tap'
import { problemOfNode, SUPPORTED_NODE } from '../../../src/commands/supported-node.ts'

t.test('an old Node is refused in one sentence', async (t) => {
  for (const version of ['18.20.0', '20.20.2', '22.18.0', '23.11.0', '24.0.0', '24.1.0']) {
    t.match(problemOfNode(version), /needs Node 22\.19, 24\.2 or newer, and this is \d+\.\d+\.\d+: /, version)
  }
  for (const version of ['22.19.0', '22.23.5', '24.2.0', '24.22.3', '25.0.0', '26.12.1']) {
    t.equal(problemOfNode(version), undefined, version)
  }
})

const { node } = process.versions

t.test(`Node ${node}, on which this runs, is supported`, async (t) => t.equal(problemOfNode(node), undefined))

t.test('package.json asks for the same versions', async (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: Record<string, string> }
  t.equal(engines['node'], SUPPORTED_NODE)
})
