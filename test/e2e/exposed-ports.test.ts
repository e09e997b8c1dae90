import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { visit } from '../helpers/doctor.ts'
import { listenFree } from '../helpers/listen-free.ts'
import { startProcess } from '../helpers/process.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { traefikPlain } from './proxies.ts'
import { readSnippet } from './snippets.ts'
import { startProxy } from './start-proxy.ts'

const PAGE = 'exposed-ports.md'
/** How many ports there are, and where, is the stand's. */
const COUNT = /(ports asked) at .*/

/** An app that shows its headers, as traefik/whoami does, on a port that is published. @returns the port */
async function startApp (t: Test): Promise<number> {
  const server = createServer(({ headers }, response) => {
    response.end(Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`).join('\n'))
  })
  return await listenFree(t, server)
}

/** What doctor says of the proxy and of ports; hosts and ports as the page has them. */
async function said (endpoint: string, args: readonly string[], names: ReadonlyMap<string, string>): Promise<string> {
  const { text } = await visit({ env: { AUTHGEAR_ENDPOINT: endpoint }, args })
  const blocks = text.split(/^(?=\w+ +\S)/m).filter((block) => /stranger|(?:port|app|identity)-\w+:/.test(block))
  return [...names].reduce((all, [ours, pages]) => all.replaceAll(ours, pages), blocks.join('').trimEnd())
}

t.test('the page shows what doctor says of a forgotten port', { skip: skipOrFail('traefik') }, async (t) => {
  const [authgear, app] = [await startSimulator(t), await startApp(t)]
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
  const management = Number(new URL(service.managementUrl).port)
  const proxy = await startProxy(t, traefikPlain, { app, forwardAuth: [service.port] })
  const names = new Map([
    [`http://127.0.0.1:${proxy}`, 'https://app.example.com'],
    [`127.0.0.1:${app}`, '203.0.113.7:3000'],
    [`127.0.0.1:${service.port}`, '203.0.113.7:4180'],
    [`127.0.0.1:${management}`, '203.0.113.7:4181']
  ])
  const through = ['--url', `http://127.0.0.1:${proxy}`]
  const isQuoted = (text: string, title: string): void => {
    t.equal(text.replace(COUNT, '$1 …'), readSnippet(PAGE, title).trimEnd().replace(COUNT, '$1 …'), title)
  }

  const ports = ['--ports', `${app},${service.port},${management}`]
  isQuoted(await said(authgear.url, [...through, ...ports], names), 'doctor: a forgotten port')
  const direct = new Map([[`http://127.0.0.1:${app}`, 'http://app.example.com:3000']])
  const past = await said(authgear.url, ['--url', `http://127.0.0.1:${app}`, '--ports', '1'], direct)
  isQuoted(past.replace(/(?:, [\w.-]+)+ reaches/, ', … reaches'), 'doctor: the port itself')
  isQuoted(await said(authgear.url, [...through, '--ports', '1'], names), 'doctor: closed')
})
