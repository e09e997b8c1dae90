import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import type { MemoryLimit } from './memory-limit.ts'
import { ask } from './request.ts'
import { until } from './until.ts'

export type Container = Readonly<{
  port: number
  managementUrl: string
  pid: number
  ended: Promise<number | string>
  limit: Pick<MemoryLimit, 'usage' | 'kills'>
}>

const docker = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('docker', args)).stdout.trim()

/**
 * The service as its image runs it, health check and all, in a container of so many bytes. Needs an engine, and this
 * process in its network.
 */
export async function startContainer (
  t: Test,
  image: string,
  bytes: number,
  env: Readonly<Record<string, string>>
): Promise<Container> {
  const [port, managementPort] = [await freePort(), await freePort()]
  const all = { LISTEN: `127.0.0.1:${port}`, MANAGEMENT_LISTEN: `127.0.0.1:${managementPort}`, ...env }
  const id = await docker(
    'run',
    '-d',
    '--network',
    'host',
    '--memory',
    String(bytes),
    '--memory-swap',
    String(bytes),
    '--read-only',
    '--cap-drop',
    'ALL',
    ...Object.entries(all).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    image
  )
  t.teardown(async () => {
    if (!t.passing()) t.comment(`the container printed:\n${(await docker('logs', '--tail', '20', id))}`)
    await docker('rm', '-f', id)
  })
  await until('the container is ready',
    () => ask(managementPort, { path: '/readyz' }).then(({ status }) => status === 200, () => false), 120_000)
  const inspect = (what: string): Promise<string> => docker('inspect', '-f', what, id)
  let [usage, kills] = [NaN, 0]
  const look = async (): Promise<void> => {
    usage = bytesOf((await docker('stats', '--no-stream', '--format', '{{.MemUsage}}', id)).split(' ')[0] ?? '')
    kills = Number(await inspect('{{.State.OOMKilled}}') === 'true')
  }
  const looking = setInterval(() => { look().catch(() => {}) }, 2000).unref()
  t.teardown(() => clearInterval(looking))
  return Object.freeze({
    port,
    managementUrl: `http://127.0.0.1:${managementPort}`,
    pid: Number(await inspect('{{.State.Pid}}')),
    ended: docker('wait', id),
    limit: { usage: () => usage, kills: () => kills }
  })
}

/** As `docker stats` writes it: page cache that can be given back is left out. */
function bytesOf (text: string): number {
  const [, number, unit] = /^([\d.]+)(KiB|MiB|GiB|B)$/.exec(text) ?? []
  return Number(number) * ({ B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit ?? ''] ?? NaN)
}
