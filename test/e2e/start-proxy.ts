import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { freePort } from '../helpers/free-port.ts'
import { ask } from '../helpers/request.ts'
import { mustFind } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import type { Proxy } from './proxy.ts'
import { fillTemplate } from './template.ts'

export interface Behind {
  /** Ports of the app, and of forward-auth, which must be there and refuse nobody with 401. */
  readonly app: number
  readonly forwardAuth: readonly number[]
  /** The CA of forward-auth's certificate, where the proxy speaks TLS to it. */
  readonly caFile?: string | undefined
}

/** Starts a proxy on the files that we ship. @returns its port */
export async function startProxy (t: Test, proxy: Proxy, { app, forwardAuth, caFile }: Behind): Promise<number> {
  const [folder, listen] = [tempDir(t, proxy.server), await freePort()]
  const { between = ' ', paths = {}, edits = {} } = proxy
  fillTemplate(proxy.shipped, folder, { listen, app, forwardAuth, between, paths, edits })
  if (caFile !== undefined) copyFileSync(caFile, join(folder, 'ca.crt'))
  await startChild(t, {
    name: proxy.server,
    command: mustFind(proxy.server),
    args: proxy.args,
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => ask(listen).then(answer => answer.status === 401, () => false)
  })
  return listen
}
