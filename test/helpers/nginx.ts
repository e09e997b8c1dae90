import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { mustFind } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import { answers } from './until.ts'

/** nginx on a configuration that says LISTEN where it listens, and FOLDER for a folder of its own. @returns its port */
export async function startNginx (t: Test, configuration: string): Promise<number> {
  const [folder, port] = [tempDir(t, 'nginx'), await freePort()]
  mkdirSync(join(folder, 'cache'))
  const text = configuration.replaceAll('LISTEN', String(port)).replaceAll('FOLDER', folder)
  writeFileSync(join(folder, 'nginx.conf'), text)
  await startChild(t, {
    name: 'nginx',
    command: mustFind('nginx'),
    cwd: folder,
    ready: () => answers(port),
    args: ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;']
  })
  return port
}
