/** What our tests use of `ws`, which comes without types. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { Server } from 'node:http'

  export class WebSocket extends EventEmitter {
    constructor (url: string, options: { headers: Readonly<Record<string, string>> })
    send (data: string): void
    terminate (): void
  }

  export class WebSocketServer extends EventEmitter {
    constructor (options: { server: Server })
    readonly clients: ReadonlySet<WebSocket>
  }
}
