import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const FIXTURE = join(ROOT, 'test/fixtures/previous-release')
const NOT_HERE = 'the commit of test/fixtures/previous-release is not in this clone, and cannot be fetched'
const run = promisify(execFile)
const git = (...args: readonly string[]) => run('git', ['-C', ROOT, ...args], { maxBuffer: 2 ** 28 })

/** The dist/main.js of an older build; `skip`: why there is none. */
export type PreviousRelease = Readonly<{ main: string, skip: false } | { main: undefined, skip: string }>

/**
 * The release before this one, built once into `.servers/previous/<commit>`: its own source and locked packages, joined
 * by this checkout's esbuild. Without a way to its commit a person's test is skipped, and CI's fails.
 * @param name another commit: PREVIOUS_RELEASE
 */
export async function previousRelease (name = process.env['PREVIOUS_RELEASE'] ?? recorded()): Promise<PreviousRelease> {
  const commit = await commitOf(name)
  if (commit === undefined) {
    if (process.env['CI'] !== undefined) throw new Error(NOT_HERE)
    return { main: undefined, skip: NOT_HERE }
  }
  const folder = join(ROOT, '.servers/previous', commit)
  if (!existsSync(folder)) await build(commit, folder)
  return { main: join(folder, 'dist/main.js'), skip: false }
}

const lines = (): readonly string[] => readFileSync(FIXTURE, 'utf8').split('\n')
const recorded = (): string => lines().find((line) => /^[0-9a-f]{40}$/.test(line)) ?? ''

/** What that release does otherwise on purpose: parts of what test/upgrade would report. */
export const intendedDifferences = (): readonly string[] =>
  lines().filter((line) => line.startsWith('- ')).map((line) => line.slice(2))

/** A shallow clone fetches that one commit, by its full hash. */
async function commitOf (name: string): Promise<string | undefined> {
  const parse = async () => (await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`)).stdout.trim()
  const fetched = async () => {
    await git('fetch', '--quiet', '--depth', '1', 'origin', name)
    return await parse()
  }
  return await parse().catch(fetched).catch(() => undefined)
}

async function build (commit: string, folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  try {
    await unpack(commit, unfinished)
    await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: unfinished })
    await run(join(ROOT, 'node_modules/.bin/esbuild'), [
      'src/main.ts', '--bundle', '--splitting', '--format=esm', '--platform=node', '--packages=external',
      '--log-level=warning', '--outdir=dist', '--chunk-names=chunks/[name]-[hash]'
    ], { cwd: unfinished })
    const { stdout: script } = await run('find', ['src', '-name', 'log.lua'], { cwd: unfinished })
    await mkdir(join(unfinished, 'dist/revocation'))
    await cp(join(unfinished, script.trim()), join(unfinished, 'dist/revocation/log.lua'))
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function unpack (commit: string, folder: string): Promise<void> {
  const archive = join(folder, 'source.tar')
  await git('archive', '--output', archive, commit, 'package.json', 'package-lock.json', 'src', 'docs/runbook.md')
  await run('tar', ['-xf', archive, '-C', folder])
  await rm(archive)
}
