import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { mustFind } from './servers.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface ComposeService {
  readonly volumes?: ReadonlyArray<{ readonly source: string, readonly target: string }>
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly networks?: Readonly<Record<string, unknown>>
  readonly labels?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly ports?: ReadonlyArray<{ readonly target: number, readonly published?: string, readonly host_ip?: string }>
}

type Env = Readonly<Record<string, string>>
type Network = Readonly<{ name: string, internal?: boolean }>
export type Project = Readonly<{
  services: Readonly<Record<string, ComposeService>>
  networks: Readonly<Record<string, Network>>
}>

/** The services of a compose file, with what a shell says; `root`: where `.env` stands beside it. */
export function readCompose (file: string, env: Env, root = ROOT): Readonly<Record<string, ComposeService>> {
  return readProject([file], env, root).services
}

/** Compose files, each on top of the one before, as Docker Compose itself reads them. */
export function readProject (files: readonly string[], env: Env, root = ROOT): Project {
  const { PATH = '', HOME = '' } = process.env
  const named = files.flatMap((file) => ['-f', join(root, file)])
  const json = execFileSync(mustFind('docker-compose'), [...named, 'config', '--format', 'json'], {
    env: { PATH, HOME, ...env }, stdio: 'pipe', encoding: 'utf8'
  })
  // it writes $ as $$, for one who reads its output as a compose file; a variable that is null is not set
  const read = (key: string, value: unknown): unknown => key === 'environment' ? withoutNulls(value as object) : value
  return JSON.parse(json.replaceAll('$$', () => '$'), read) as Project
}

const withoutNulls = (given: object): object =>
  Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== null))
