import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { listenFree } from './listen-free.ts'

/** A container as Traefik sees it: its name and its labels. */
export type Container = Readonly<{ name: string, labels: Readonly<Record<string, string>> }>

/**
 * As much of Docker's API as Traefik's provider reads, for containers that are programs of this machine: so the labels
 * of a compose file reach a real Traefik where no Docker engine is.
 * @returns its address, as `--providers.docker.endpoint` takes it
 */
export async function startDockerApi (t: Test, containers: readonly Container[]): Promise<string> {
  const server = createServer((request, reply) => answer(containers, request, reply))
  return `tcp://127.0.0.1:${await listenFree(t, server)}`
}

function answer (containers: readonly Container[], { url = '' }: IncomingMessage, reply: ServerResponse): void {
  const path = url.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')
  reply.setHeader('Api-Version', '1.45').setHeader('Content-Type', 'application/json')
  if (path === '/events') return reply.flushHeaders() // nothing ever happens here
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
