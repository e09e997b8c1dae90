import type { Edits } from './proxy.ts'
import { swap } from './snippets.ts'

/** HTTP/2 without TLS, which these two have to be told. */
export const H2C: Readonly<Record<string, Edits>> = {
  caddy: { Caddyfile: (written) => swap(written, '\tservers {\n', '\tservers {\n\t\tprotocols h1 h2 h2c\n') },
  nginx: {
    'nginx.conf': (written) =>
      swap(swap(written, '    server_name ', '    http2 on;\n    server_name '), 'default_server;',
        'default_server; http2 on;')
  }
}
