import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { listenFree } from '../../helpers/listen-free.ts'

export type GitServer = Readonly<{
  port: number
  /** The Authorization lines that reached it. */
  seen: ReadonlyArray<string | undefined>
}>

/** A real `git http-backend` with one repository of one commit, which takes pushes. */
export async function startGitServer (t: Test, folder: string, name: string): Promise<GitServer> {
  const repository = join(folder, name)
  mkdirSync(repository, { recursive: true })
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' }).trim()
  git('init', '-q', '--bare', '--initial-branch=main')
  git('config', 'http.receivepack', 'true')
  const empty = git('mktree')
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
  git('update-ref', 'refs/heads/main', git(...who, 'commit-tree', '-m', 'first', empty))
  const seen: Array<string | undefined> = []
  const port = await listenFree(t, createServer((request, response) => {
    seen.push(request.headers.authorization)
    cgi(folder, request, response)
  }))
  return { port, seen }
}

/** RFC 3875, as far as git needs it. */
function cgi (folder: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'ci',
      REMOTE_ADDR: '127.0.0.1'
    }
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {}) // it may answer before it has read all
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => { parts.push(part) }).on('end', () => {
    const all = Buffer.concat(parts)
    const end = all.indexOf('\r\n\r\n')
    for (const line of all.subarray(0, Math.max(end, 0)).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(': ', 2)
      if (name === 'Status') response.statusCode = Number.parseInt(value)
      else if (name !== '') response.setHeader(name, value)
    }
    response.end(all.subarray(end + 4))
  })
}
