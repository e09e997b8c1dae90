import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { makeOwnCert } from './own-cert.ts'
import { mustFind } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import { answers } from './until.ts'

/** An ACME server as Let's Encrypt's is, and the DNS that it asks, in which every name is this machine. */
export interface Pebble {
  /** Its directory. */
  readonly url: string
  /** The CA of its own address; not the one that signs what it gives out. */
  readonly caFile: string
  /** host:port of the DNS. */
  readonly dns: string
  /** Where the DNS learns TXT records: `POST /set-txt`. */
  readonly dnsManagement: string
  /** What it signs with, as PEM: what browsers would know, and what is between that and a certificate. */
  readonly root: string
  readonly intermediate: string
}

/** @param httpPort where the challenge's answer is, instead of 80 */
export async function startPebble (t: Test, httpPort: number): Promise<Pebble> {
  const [port, management, dnsPort, dnsManagement] = [
    await freePort(), await freePort(), await freePort(), await freePort()
  ]
  const { certFile, keyFile, caFile } = makeOwnCert(t, '127.0.0.1')
  const config = join(tempDir(t, 'pebble'), 'pebble.json')
  writeFileSync(config, JSON.stringify({
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: certFile,
      privateKey: keyFile,
      httpPort,
      tlsPort: 1,
      ocspResponderURL: '',
      externalAccountBindingRequired: false
    }
  }))
  await startChild(t, {
    name: 'pebble-challtestsrv',
    command: mustFind('pebble-challtestsrv'),
    args: [
      '-defaultIPv6', '', '-dnsserver', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${dnsManagement}`,
      '-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', ''
    ],
    ready: () => answers(dnsManagement)
  })
  await startChild(t, {
    name: 'pebble',
    command: mustFind('pebble'),
    args: ['-config', config, '-dnsserver', `127.0.0.1:${dnsPort}`],
    env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
    ready: () => answers(management)
  })
  const read = (path: string): Promise<string> => get(`https://127.0.0.1:${management}${path}`, caFile)
  return {
    url: `https://127.0.0.1:${port}/dir`,
    caFile,
    dns: `127.0.0.1:${dnsPort}`,
    dnsManagement: `http://127.0.0.1:${dnsManagement}`,
    root: await read('/roots/0'),
    intermediate: await read('/intermediates/0')
  }
}

function get (url: string, caFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca: readFileSync(caFile), agent: false }, (answer) => {
      answer.setEncoding('utf8').toArray().then((parts) => resolve(parts.join('')), reject)
    }).once('error', reject).end()
  })
}
