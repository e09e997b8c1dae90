import { execFile } from 'node:child_process'
import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { startChild } from '../../helpers/child.ts'
import { freePort } from '../../helpers/free-port.ts'
import { mustFind, type ServerName } from '../../helpers/servers.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { answers } from '../../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../../..')
const OURS = join(import.meta.dirname, 'follow')

type EventsAt = Readonly<{ port: number, token: string }>

export type App = Readonly<{
  name: string
  /** What it needs beside Node. */
  server: Extract<ServerName, 'python-apps' | 'go'> | undefined
  files: readonly string[]
  hasStream: boolean
}>

const PYTHON = ['held.py', 'follow.py']
const GO = ['held.go', 'follow.go']
export const NODE: App = {
  name: 'Node', server: undefined, files: ['held.js', 'follow.js', 'app.js'], hasStream: true
}
export const APPS_OF_PAGE: readonly App[] = [
  NODE,
  { name: 'Starlette', server: 'python-apps', files: [...PYTHON, 'starlette_app.py'], hasStream: true },
  { name: 'Django Channels', server: 'python-apps', files: [...PYTHON, 'channels_app.py'], hasStream: false },
  { name: 'Go', server: 'go', files: [...GO, 'app.go'], hasStream: true }
]

/** @returns a folder with the modules that people copy, of these names, and our own beside them */
export function folderOf (t: Test, files: readonly string[], ours: readonly string[]): string {
  const folder = tempDir(t, 'open')
  for (const file of files) copyFileSync(join(ROOT, 'deploy/events', file), join(folder, file))
  for (const file of ours) copyFileSync(join(OURS, file), join(folder, file))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'settings.py'), 'SECRET_KEY = "of the tests"\n')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** What runs there; of Go it is built first. */
export async function commandOf (
  server: App['server'],
  folder: string,
  { node, python }: Readonly<Record<'node' | 'python', readonly string[]>>
): Promise<readonly [string, ...string[]]> {
  switch (server) {
    case undefined: return [process.execPath, ...node]
    case 'python-apps': return [mustFind(server), ...python]
    case 'go': {
      for (const file of ['go.mod', 'go.sum']) copyFileSync(join(OURS, file), join(folder, file))
      await promisify(execFile)(mustFind(server), ['build', '-o', 'app', '.'], { cwd: folder })
      return [join(folder, 'app')]
    }
  }
}

export type OpenApp = Readonly<{ port: number, countHeld: () => Promise<number> }>

/** @param events where it is told, and the token that it shows */
export async function startOpenApp (t: Test, { name, server, files }: App, events: EventsAt): Promise<OpenApp> {
  const [port, countPort] = [await freePort(), await freePort()]
  const folder = folderOf(t, files, ['count.js', 'count.py', ...server === 'go' ? ['count.go'] : []])
  const [command, ...args] = await commandOf(server, folder, {
    node: ['count.js'], python: ['-m', 'uvicorn', '--port', `${port}`, 'count:app']
  })
  await startChild(t, {
    name,
    command,
    args,
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
