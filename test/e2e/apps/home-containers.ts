import { readProject } from '../../helpers/compose.ts'
import type { Container } from '../../helpers/docker-api.ts'

type Labels = Readonly<Record<string, string>>

export const fileOf = (name: string): string => `deploy/apps/${name}.yml`
export const hostOf = (name: string): string => `${name}.localhost`

/** @returns the names of the routers, or services, that labels make */
export const nameIn = (labels: Labels, kind: 'routers' | 'services'): readonly string[] =>
  [...new Set(Object.keys(labels).flatMap((key) => key.split(`traefik.http.${kind}.`)[1]?.split('.')[0] ?? []))]

/** The app's container as its compose file labels it, for a program on a port of this machine. */
export function containerOf (name: string, port: number, env: Labels): Container {
  const host = { APP_HOST: 'localhost', [`${name.replaceAll('-', '_').toUpperCase()}_HOST`]: hostOf(name) }
  const { services } = readProject(['deploy/compose/https.yml', fileOf(name)], { ...host, ...env })
  const labels = Object.entries(services[name]?.labels ?? {}).map(([key, value]) => {
    if (key === 'traefik.docker.network') return [key, 'here']
    return [key, key.endsWith('.loadbalancer.server.port') ? String(port) : value]
  })
  return { name, labels: Object.fromEntries(labels) }
}
