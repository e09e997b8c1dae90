import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { snippet } from '../../src/commands/snippet.ts'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { ask, HOST } from '../helpers/request.ts'
import { mustFind } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import type { OwnCert } from '../helpers/own-cert.ts'
import type { Proxy } from './proxy.ts'

export interface Behind {
  /** Ports of the app, and of forward-auth, which must be there and refuse nobody with 401. */
  readonly app: number
  readonly forwardAuth: readonly number[]
  /** Of a proxy that asks by gRPC: where. */
  readonly grpc?: number | undefined
  /** The CA of forward-auth's certificate, where the proxy speaks TLS to it. */
  readonly caFile?: string | undefined
  /** The name by which the proxy knows forward-auth; an address unless TLS is to check a name. */
  readonly forwardAuthHost?: string
  /** The status by which it is known to be ready: 401, forward-auth's for nobody. */
  readonly ready?: number
  /** Where its edits make it speak TLS to clients: the certificate, beside its files as tls.crt and tls.key. */
  readonly certificate?: OwnCert
  /** More of `snippet`'s options. */
  readonly options?: readonly string[]
}

/** Starts a proxy on the files that `snippet` writes. @returns its port */
export async function startProxy (t: Test, proxy: Proxy, behind: Behind): Promise<number> {
  const [folder, listen] = [tempDir(t, proxy.server), await freePort()]
  writeFiles(folder, listen, proxy, behind)
  const { certificate, ready = 401 } = behind
  if (certificate !== undefined) {
    copyFileSync(certificate.certFile, join(folder, 'tls.crt'))
    copyFileSync(certificate.keyFile, join(folder, 'tls.key'))
  }
  const asked = certificate === undefined ? {} : { tls: { ca: readFileSync(certificate.caFile) } }
  if (behind.caFile !== undefined) copyFileSync(behind.caFile, join(folder, 'ca.crt'))
  await startChild(t, {
    name: proxy.server,
    command: mustFind(proxy.server),
    args: proxy.args,
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => ask(listen, asked).then(({ status }) => status === ready, () => false)
  })
  return listen
}

function writeFiles (
  folder: string,
  listen: number,
  { snippet: name, tls, edits = {}, between = ' ' }: Proxy,
  { app, forwardAuth, grpc, forwardAuthHost = '127.0.0.1', options = [] }: Behind
): void {
  const [first = 0] = forwardAuth
  const errors: string[] = []
  const code = snippet(
    [
      name, '--out', folder, '--listen', `127.0.0.1:${listen}`, '--forward-auth',
      `${tls ? 'https' : 'http'}://${forwardAuthHost}:${first}`, '--app', `http://127.0.0.1:${app}`, '--host', HOST,
      ...grpc === undefined ? [] : ['--grpc', `${forwardAuthHost}:${grpc}`], ...options
    ],
    { write: () => {} },
    { write: (text: string) => errors.push(text) }
  )
  if (code !== 0) throw new Error(`snippet ${name}: ${errors.join('')}`)
  const addresses = forwardAuth.map(port => `127.0.0.1:${port}`).join(between)
  for (const file of readdirSync(folder)) {
    const written = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(folder, file), (edits[file]?.(written) ?? written).replaceAll(`127.0.0.1:${first}`, addresses))
  }
}
