import { request } from 'node:http'
import { loadConfig, type ListenAddress } from '../config/index.ts'
import type { Out } from './out.ts'

/** Docker's own default is 30 s. */
const TIMEOUT_MS = 3000

/** Exit code 0 when this machine's instance answers `/livez`; for Docker's HEALTHCHECK. */
export async function healthcheck (env: NodeJS.ProcessEnv, err: Out): Promise<0 | 1> {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors' || loaded.config.management === undefined) {
    err.write(
      loaded.kind === 'errors'
        ? 'error: the configuration is wrong: run `check`\n'
        : 'error: MANAGEMENT_LISTEN is off: there is nothing to ask\n'
    )
    return 1
  }
  const problem = await ask(loaded.config.management)
  if (problem !== undefined) err.write(`error: /livez: ${problem}\n`)
  return problem === undefined ? 0 : 1
}

function ask (address: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const target =
      address.kind === 'unix' ? { socketPath: address.path } : { host: reachable(address.host), port: address.port }
    const client = request({ ...target, path: '/livez', timeout: TIMEOUT_MS, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? undefined : `answered ${response.statusCode}`)
    })
    client.once('timeout', () => client.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    client.once('error', (error) => resolve(error.message)).end()
  })
}

/** An address that means "all of them" cannot be asked everywhere. */
function reachable (host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}
