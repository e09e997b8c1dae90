import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { ask } from './request.ts'
import { mustFind } from './servers.ts'
import { tempDir } from './temp-dir.ts'
import { answers } from './until.ts'

type PromSample = Readonly<{
  metric: Readonly<Record<string, string>>
  value: readonly [at: number, value: string]
}>

export interface Prometheus {
  /** An instant query; rejects with Prometheus' own words where it does not understand one. */
  query (expr: string): Promise<readonly PromSample[]>
  /** Names of alerts, with their state. */
  alerts (): Promise<ReadonlyMap<string, 'pending' | 'firing'>>
}

/** A real Prometheus that scrapes these ports of 127.0.0.1 every second, as `job`. */
export async function startPrometheus (
  t: Test,
  job: string,
  ports: readonly number[],
  rules: string
): Promise<Prometheus> {
  const [folder, port] = [tempDir(t, 'prometheus'), await freePort()]
  // JSON is YAML
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: job, static_configs: [{ targets: ports.map((one) => `127.0.0.1:${one}`) }] }]
  }))
  await startChild(t, {
    name: 'prometheus',
    command: mustFind('prometheus'),
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`
    ],
    ready: async () => (await answers(port)) && (await ask(port, { path: '/-/ready' })).status === 200
  })
  const get = async (path: string): Promise<unknown> => {
    const { data, error } = JSON.parse((await ask(port, { path })).body) as { data?: unknown, error?: string }
    if (error !== undefined) throw new Error(`${path}: ${error}`)
    return data
  }
  return Object.freeze({
    query: async (expr: string) =>
      ((await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as { result: readonly PromSample[] }).result,
    alerts: async () => {
      const { alerts } = (await get('/api/v1/alerts')) as {
        alerts: ReadonlyArray<{ labels: { alertname: string }, state: 'pending' | 'firing' }>
      }
      return new Map(alerts.map(({ labels, state }) => [labels.alertname, state]))
    }
  })
}
