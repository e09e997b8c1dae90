import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { mustFind } from './servers.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface ComposeService {
  readonly volumes?: ReadonlyArray<{ readonly source: string, readonly target: string }>
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly ports?: ReadonlyArray<{ readonly target: number, readonly published?: string, readonly host_ip?: string }>
}

/** A compose file as Docker Compose itself reads it, with what a shell says; `root`: where `.env` stands beside it. */
export function readCompose (
  file: string,
  env: Readonly<Record<string, string>>,
  root = ROOT
): Readonly<Record<string, ComposeService>> {
  const { PATH = '', HOME = '' } = process.env
  const json = execFileSync(mustFind('docker-compose'), ['-f', join(root, file), 'config', '--format', 'json'], {
    env: { PATH, HOME, ...env }, stdio: 'pipe', encoding: 'utf8'
  })
  // it writes $ as $$, for one who reads its output as a compose file; a variable that is null is not set
  const read = (_: string, value: unknown): unknown => value ?? undefined
  const whole = JSON.parse(json.replaceAll('$$', () => '$'), read) as { services: Record<string, ComposeService> }
  return whole.services
}
