import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import type { EchoApp } from '../../helpers/echo-app.ts'
import { freePort } from '../../helpers/free-port.ts'
import type { HeaderLine } from '../../helpers/request.ts'
import { mustFind } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { answers } from '../../helpers/until.ts'

/** How a browser opens a page. */
export const NAVIGATION: readonly HeaderLine[] = [
  ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept', 'text/html']
]

/** @returns a file of left/, what people come from, with the names in capitals filled in */
export function leftFile (file: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(import.meta.dirname, 'left', file), 'utf8')
  return Object.entries(values).reduce((filled, [name, value]) => filled.replaceAll(name, () => String(value)), text)
}

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

/** What the app got under these names in its last request; a header that is not there is an empty one. */
export function gotten (app: EchoApp, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, app.lastHeader(name).join(' and ')]))
}
