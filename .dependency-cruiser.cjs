/** Who may import whom: docs/architecture.md, "Imports". One rule a sentence there. */
const owner = (library, file) => ({
  name: `only-${file.replaceAll(/[^a-z]/g, '-')}-imports-${library}`,
  severity: 'error',
  from: { pathNot: `^src/${file}` },
  to: { path: `^node_modules/${library}/` }
})

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-pure',
      comment: 'core/ imports only core/, and cache-key.ts node:crypto',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/(cache-key|hmac)[.]ts$' },
      to: { pathNot: '^src/core/' }
    },
    {
      name: 'cache-key-imports-crypto-only',
      severity: 'error',
      from: { path: '^src/core/(cache-key|hmac)[.]ts$' },
      to: { pathNot: '^(src/core/|(node:)?crypto$)' }
    },
    {
      name: 'only-main-and-commands-import-config',
      severity: 'error',
      from: { pathNot: '^src/(main[.]ts|commands/|config/|config[.]ts)' },
      to: { path: '^src/config' }
    },
    {
      name: 'authenticate-imports-core-only',
      comment: 'the use case gets cache, resolver and log handed over; it knows their types only',
      severity: 'error',
      from: { path: '^src/authenticate[.]ts$' },
      to: { path: '^src/(app|management|service|routes|listener|commands|config|main)' }
    },
    {
      name: 'login-is-pure',
      comment: 'return addresses, states, cookies: no I/O; sealed by what seals entries',
      severity: 'error',
      from: { path: '^src/login/' },
      to: { pathNot: '^(src/(login|core)/|src/cache/sealing[.]ts$|(node:)?crypto$)' }
    },
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/(audit|cache|redis|resolver|revocation)/' },
      to: { path: '^src/(app|management|service|routes|listener|commands|config|main|authenticate)' }
    },
    {
      name: 'routes-do-not-open-anything',
      severity: 'error',
      from: { path: '^src/routes/' },
      to: { path: '^src/(audit|cache|redis|resolver|revocation|commands|config|main)', pathNot: '^src/revocation/webhook-events[.]ts$', dependencyTypesNot: ['type-only'] }
    },
    owner('fastify', '(app[.]ts|management[.]ts|status/routes[.]ts|routes/|listener/|commands/serve[.]ts)'),
    owner('undici', '(resolver/|audit/client[.]ts$)'),
    owner('jose', 'audit/token[.]ts$'),
    owner('cockatiel', 'resolver/'),
    owner('ioredis', 'redis/'),
    owner('lru-cache', '(cache/memory|resolver/failed-credentials)[.]ts$'),
    owner('@fastify/caching', 'status/routes[.]ts$'),
    owner('prom-client', 'metrics([.]ts$|/)'),
    owner('pino', 'log[.]ts$'),
    owner('@opentelemetry', 'tracing/otel[.]ts$'),
    owner('close-with-grace', 'commands/serve[.]ts$'),
    owner('@fastify/proxy-addr', 'listener/trusted-proxies[.]ts$'),
    owner('@peculiar/(x509|asn1-x509|asn1-schema)', 'commands/cert'),
    owner('reflect-metadata', 'commands/cert')
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] }
  }
}
