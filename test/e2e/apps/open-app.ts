import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import { freePort } from '../../helpers/free-port.ts'
import { mustFind, type ServerName } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { answers } from '../../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../../..')

type EventsAt = Readonly<{ port: number, token: string }>

export type App = Readonly<{
  name: string
  server: ServerName | undefined
  files: readonly string[]
  hasStream: boolean
}>

const PYTHON = ['held.py', 'follow.py']
export const NODE: App = {
  name: 'Node', server: undefined, files: ['held.js', 'follow.js', 'app.js'], hasStream: true
}
export const APPS_OF_PAGE: readonly App[] = [
  NODE,
  { name: 'Starlette', server: 'python-apps', files: [...PYTHON, 'starlette_app.py'], hasStream: true },
  { name: 'Django Channels', server: 'python-apps', files: [...PYTHON, 'channels_app.py'], hasStream: false }
]

/** @returns a folder with the modules that people copy, of these names, and our own beside them */
export function folderOf (t: Test, files: readonly string[], ours: readonly string[]): string {
  const folder = tempDir(t, 'open')
  for (const file of files) copyFileSync(join(ROOT, 'deploy/events', file), join(folder, file))
  for (const file of ours) copyFileSync(join(import.meta.dirname, 'follow', file), join(folder, file))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'settings.py'), 'SECRET_KEY = "of the tests"\n')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

export type OpenApp = Readonly<{ port: number, countHeld: () => Promise<number> }>

/** @param events where it is told, and the token that it shows */
export async function startOpenApp (t: Test, { name, server, files }: App, events: EventsAt): Promise<OpenApp> {
  const [port, countPort] = [await freePort(), await freePort()]
  const folder = folderOf(t, files, ['count.js', 'count.py'])
  await startChild(t, {
    name,
    command: server === undefined ? process.execPath : mustFind(server),
    args: server === undefined ? ['count.js'] : ['-m', 'uvicorn', '--port', `${port}`, 'count:app'],
    cwd: folder,
    env: {
      PORT: String(port),
      COUNT_PORT: String(countPort),
      APP: files.at(-1)?.replace('.py', '') ?? '',
      EVENTS: `http://127.0.0.1:${events.port}`,
      TOKEN: events.token
    },
    ready: () => answers(port)
  })
  return {
    port,
    countHeld: async () => Number(await (await fetch(`http://127.0.0.1:${countPort}/`)).text())
  }
}
