import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Places {
  /** The port that the proxy listens on, on 127.0.0.1. */
  readonly listen: number
  readonly app: number
  readonly forwardAuth: readonly number[]
  /** How this proxy writes several addresses of forward-auth, where its file has one. */
  readonly between: string
  readonly paths?: Readonly<Record<string, string>>
  /** By file: what a reader of the documentation writes into it. */
  readonly edits?: Edits
}

export type Edits = Readonly<Record<string, (shipped: string) => string>>

const SHIPPED = join(import.meta.dirname, '../../deploy')

/** Copies a shipped configuration and changes host names, ports and paths in it, nothing else; `edits` come first. */
export function fillTemplate (proxy: string, folder: string, places: Places): void {
  cpSync(join(SHIPPED, proxy), folder, { recursive: true })
  for (const file of readdirSync(folder)) {
    const path = join(folder, file)
    const shipped = readFileSync(path, 'utf8')
    writeFileSync(path, fill(places.edits?.[file]?.(shipped) ?? shipped, places))
  }
}

function fill (text: string, { listen, app, forwardAuth, between, paths = {} }: Places): string {
  const addresses = forwardAuth.map(port => `127.0.0.1:${port}`).join(between)
  const changes = { 'forward-auth:4180': addresses, '//app:8080': `//127.0.0.1:${app}`, ' app:8080': ` 127.0.0.1:${app}`, '0.0.0.0': '127.0.0.1', ':8080': `:${listen}`, ...paths }
  return Object.entries(changes).reduce((filled, [from, to]) => filled.replaceAll(from, to), text)
}
