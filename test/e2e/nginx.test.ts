import { testProxy } from './cases.ts'

testProxy({
  server: 'nginx',
  shipped: 'nginx',
  // one process, so that stopping it leaves no worker behind
  args: ['-p', '.', '-e', 'stderr', '-c', 'nginx.conf', '-g', 'daemon off; master_process off;'],
  tls: false,
  between: ' fail_timeout=1s; server ',
  facts: {
    adapterDown: 503,
    passesRefusals: false,
    unlistedPasses: true, // stock nginx can clear the names that it knows only; docs/proxies/nginx.md
    connectionHidesCookie: false,
    cleaned: {},
    otherHost: 421,
    connections: 32
  }
})
