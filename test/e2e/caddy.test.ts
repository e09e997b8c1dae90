import { testProxy } from './cases.ts'

testProxy({
  server: 'caddy',
  shipped: 'caddy',
  args: ['run', '--config', 'Caddyfile'],
  tls: false,
  between: ' ',
  facts: {
    adapterDown: 502,
    passesRefusals: true,
    unlistedPasses: false,
    connectionHidesCookie: false,
    cleaned: {},
    otherHost: 421,
    connections: 32
  }
})
