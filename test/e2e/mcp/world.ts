import { join } from 'node:path'
import type { Test } from 'tap'
import { adminApi, auditEnvironment } from '../../helpers/audit.ts'
import { makeOwnCert } from '../../helpers/own-cert.ts'
import { type Service, startProcess } from '../../helpers/process.ts'
import { startRedis } from '../../helpers/redis.ts'
import { HOST } from '../../helpers/request.ts'
import { type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import type { Proxy } from '../proxy.ts'
import { readSnippet } from '../snippets.ts'
import { startProxy } from '../start-proxy.ts'
import { type Agent, CALLBACK } from './agent.ts'
import { INSPECTOR_CALLBACK, inspectorAgent } from './inspector-agent.ts'
import { pythonAgent } from './python-agent.ts'
import { startPythonServerOfPage, startResumableServer, startServerOfPage } from './servers.ts'
import { typescriptAgent } from './typescript-agent.ts'

export const onHost = (text: string): string => text.replaceAll('mcp.example.com', HOST)
export const block = (title: string): string => onHost(readSnippet('mcp.md', title))
export const RESOURCE = `https://${HOST}/mcp`
export const DOCUMENT = 'https://agents.example.com/client.json'
export const MANAGEMENT_TOKEN = 'a management token of the tests'

/** The variables of the page; those that are a secret, or an address, are this test's. */
export const SETTINGS = Object.fromEntries(
  [...block('service').matchAll(/^([A-Z_]+)='?(.*?)'?(?:\s+#.*)?$/gm)].map(([, name = '', value = '']) => [name, value])
)
const [, WRITTEN = ''] = /snippet caddy .*?(--assertion .*)$/m.exec(block('proxy')) ?? []
export const OPTIONS = WRITTEN.split(' ')

export type World = Readonly<{
  authgear: RunningSimulator
  service: Service
  /** The proxy before the page's server. */
  port: number
  /** The proxy before a server of older revisions, which can go on with a stream. */
  resumablePort: number
  /** The proxy before the page's server in Python. */
  pythonPort: number
  record: string
}>

/** This service as the page has it, between real proxies and servers. */
export async function startWorld (t: Test, proxy: Proxy, more: Readonly<Record<string, string>> = {}): Promise<World> {
  const authgear = await startSimulator(t, {
    registration: 'open',
    clientDocuments: { [DOCUMENT]: { client_id: DOCUMENT, redirect_uris: [CALLBACK, INSPECTOR_CALLBACK] } },
    resources: [{ uri: RESOURCE, scopes: ['use', 'admin'] }],
    adminApi
  })
  const redis = await startRedis(t)
  const record = join(tempDir(t, 'mcp-record'), 'access.jsonl')
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const service = await startProcess(t, {
    ...SETTINGS,
    ...auditEnvironment(authgear.url, '1s'),
    AUTHGEAR_ENDPOINT: authgear.url,
    REDIS_URL: redis.url,
    CACHE_SECRET: 'a secret of the tests, 32 bytes!',
    MANAGEMENT_TOKEN,
    ACCESS_RECORD: `file:${record}`,
    ACCESS_RECORD_WINDOW: '0',
    ...more,
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  })
  const behind = { forwardAuth: [service.port], caFile: tls?.caFile, options: OPTIONS }
  // clients of older revisions need a route without a rule by tool
  const options = OPTIONS.filter((word) => word !== '--policy' && !word.startsWith('/'))
  const [page, resumable] = [await startServerOfPage(t, block('server.mjs')), await startResumableServer(t)]
  const python = await startPythonServerOfPage(t, block('server.py'))
  return {
    authgear,
    service,
    record,
    port: await startProxy(t, proxy, { ...behind, app: page }),
    resumablePort: await startProxy(t, proxy, { ...behind, app: resumable, options }),
    pythonPort: await startProxy(t, proxy, { ...behind, app: python })
  }
}

type Sdk = (t: Test, port: number, document?: string) => Agent

export const SDKS: Readonly<Record<'TypeScript' | 'Python', Sdk>> = {
  TypeScript: (_, port, document) => typescriptAgent({ origin: `https://${HOST}`, port, document }),
  Python: (t, port, document) => pythonAgent(t, { origin: `https://${HOST}`, port, document })
}

export const inspector: Sdk = (t, port, document) => inspectorAgent(t, { origin: `https://${HOST}`, port, document })
