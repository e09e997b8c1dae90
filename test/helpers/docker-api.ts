import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { listenFree } from './listen-free.ts'

/** A container as Traefik sees it: its name and its labels. */
export type Container = Readonly<{ name: string, labels: Readonly<Record<string, string>> }>

/** As much of Docker's API as Traefik's provider reads. */
export type DockerApi = Readonly<{
  /** The address, as `--providers.docker.endpoint` takes it. */
  url: string
  /** Starts one more container, and reports it to all who watch the events. */
  start: (container: Container) => void
}>

/**
 * Docker's API for containers that are programs of this machine: so the labels of a compose file reach a real Traefik
 * where no Docker engine is.
 */
export async function openDockerApi (t: Test, containers: readonly Container[]): Promise<DockerApi> {
  const all = [...containers]
  const watchers: ServerResponse[] = []
  const server = createServer((request, reply) => {
    if (pathOf(request) === '/events') watchers.push(reply)
    answer(all, request, reply)
  })
  const url = `tcp://127.0.0.1:${await listenFree(t, server)}`
  return Object.freeze({
    url,
    start (container: Container) {
      all.push(container)
      const event = { Type: 'container', Action: 'start', Actor: { ID: container.name, Attributes: {} } }
      for (const watcher of watchers) watcher.write(`${JSON.stringify(event)}\n`)
    }
  })
}

/** The same, where none starts later. @returns its address */
export const startDockerApi = async (t: Test, containers: readonly Container[]): Promise<string> =>
  (await openDockerApi(t, containers)).url

const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')

function answer (containers: readonly Container[], request: IncomingMessage, reply: ServerResponse): void {
  const path = pathOf(request)
  reply.setHeader('Api-Version', '1.45').setHeader('Content-Type', 'application/json')
  if (path === '/events') return reply.flushHeaders()
  const body = bodyOf(path, containers)
  reply.statusCode = body === undefined ? 404 : 200
  reply.end(JSON.stringify(body ?? { message: path }))
}

function bodyOf (path: string, containers: readonly Container[]): unknown {
  if (path === '/version') return { ApiVersion: '1.45', MinAPIVersion: '1.24', Version: '26.0.0' }
  if (path === '/containers/json') {
    return containers.map(({ name, labels }) => ({ Id: name, Names: [`/${name}`], Labels: labels }))
  }
  const inspected = containers.find(({ name }) => path === `/containers/${name}/json`)
  return inspected === undefined ? undefined : detailsOf(inspected)
}

const detailsOf = ({ name, labels }: Container): unknown => ({
  Id: name,
  Name: `/${name}`,
  State: { Status: 'running', Running: true },
  HostConfig: { NetworkMode: 'here' },
  Config: { Labels: labels },
  NetworkSettings: { Ports: {}, Networks: { here: { IPAddress: '127.0.0.1', NetworkID: 'here' } } }
})
