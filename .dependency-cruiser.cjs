/** Who may import whom: docs/inside/architecture.md, "Imports". One rule a sentence there. */
const owner = (library, file) => ({
  name: `only-${file.replaceAll(/[^a-z]/g, '-')}-imports-${library}`,
  severity: 'error',
  from: { pathNot: `^src/(base/)?${file}` },
  to: { path: `^node_modules/${library}/` }
})

/** Rooms that put others together: nothing below may know them. */
const COMPOSITION = 'app|base/config|commands|main'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'no file imports itself by way of others',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'core-is-pure',
      comment: 'core/ imports only core/; cache-key.ts crypto/hmac.ts and node:crypto, and email.ts node:url',
      severity: 'error',
      from: { path: '^src/base/core/', pathNot: '^src/base/core/(cache-key|email)[.]ts$' },
      to: { pathNot: '^src/base/core/' }
    },
    {
      name: 'cache-key-imports-crypto-only',
      comment: 'core/cache-key.ts imports core/, crypto/hmac.ts and node:crypto',
      severity: 'error',
      from: { path: '^src/base/core/cache-key[.]ts$' },
      to: { pathNot: '^(src/base/core/|src/base/crypto/hmac[.]ts$|(node:)?crypto$)' }
    },
    {
      name: 'crypto-imports-core-only',
      comment: 'crypto/ imports core/ types and node:crypto',
      severity: 'error',
      from: { path: '^src/base/crypto/' },
      to: { pathNot: '^(src/base/(core|crypto)/|(node:)?crypto$)' }
    },
    {
      name: 'only-main-and-commands-import-config',
      comment: 'config/ is imported by main.ts and commands/ only; parts make their rows of its kinds and parsers',
      severity: 'error',
      from: {
        pathNot:
          '^src/(main[.]ts|commands/|parts/|app/(config|settings)[.]ts$|base/(config/|parts/part[.]ts$))'
      },
      to: { path: '^src/base/config/' }
    },
    {
      name: 'parts-import-the-kinds-of-config',
      severity: 'error',
      from: { path: '^src/parts/' },
      to: { path: '^src/base/config/', pathNot: '^src/base/config/((kind|beside)[.]ts$|parsers/)' }
    },
    {
      name: 'base-knows-no-part',
      comment: 'only parts/index.ts, the one list, names a part; base/parts says what one is',
      severity: 'error',
      from: { pathNot: '^src/parts/' },
      to: { path: '^src/parts/[^/]+/' }
    },
    {
      name: 'base-knows-no-list-of-parts',
      comment: 'app/ and commands/ hand the list in',
      severity: 'error',
      from: { path: '^src/base/' },
      to: { path: '^src/(parts|app)/' }
    },
    {
      name: 'a-part-knows-no-other',
      severity: 'error',
      from: { path: '^src/parts/([^/]+)/' },
      to: { path: '^src/parts/[^/]+/', pathNot: '^src/parts/$1/' }
    },
    {
      name: 'parts-know-no-composition',
      severity: 'error',
      from: { path: '^src/parts/' },
      to: { path: `^src/(${COMPOSITION})`, pathNot: '^src/base/config/' }
    },
    {
      name: 'app-imports-the-type-of-config',
      comment: 'app/settings.ts takes its type from Config, and nothing else of config/',
      severity: 'error',
      from: { path: '^src/app/settings[.]ts$' },
      to: { path: '^src/base/config/', dependencyTypesNot: ['type-only'] }
    },
    {
      name: 'tiers-know-no-transport',
      comment:
        'authgear/, cache/, redis/, revocation/ and authenticate/ import ' +
          'neither transport nor pages nor the composition root',
      severity: 'error',
      from: {
        path: '^src/(base/(authgear|authenticate|cache|redis|revocation)|parts/login/(oidc|sessions))/'
      },
      to: { path: `^src/(base/(http|verify|management|tracing|metrics)|${COMPOSITION})` }
    },
    {
      name: 'transport-knows-no-endpoint',
      comment: 'http/ imports no endpoint: the service hands it the table of routes',
      severity: 'error',
      from: { path: '^src/base/http/' },
      to: { path: `^src/(base/(verify|management)|${COMPOSITION})` }
    },
    {
      name: 'few-make-a-success',
      comment: 'a 2xx is written by verify/responses (sessions, tokens), tokens/metadata and assertion/jwks ' +
        '(public documents), login/flow/responses (the page for people who signed out), and http/webhook; no other ' +
        'file can spell one',
      severity: 'error',
      from: {
        pathNot: '^src/(base/(verify/responses|http/webhook)|' +
          'parts/(assertion/jwks|login/flow/responses|tokens/metadata))[.]ts$'
      },
      to: { path: '^src/base/http/success[.]ts$' }
    },
    {
      name: 'endpoints-open-nothing',
      comment: 'http/, verify/ and the flow of a login get what is opened handed over, and know its types only',
      severity: 'error',
      from: {
        path: '^src/(base/(http|verify)|parts/login/flow)/'
      },
      to: {
        path: `^src/(base/(authgear|cache|redis|revocation)|${COMPOSITION})`,
        pathNot: '^src/base/authgear/webhook-events[.]ts$',
        dependencyTypesNot: ['type-only']
      }
    },
    {
      name: 'pages-are-text',
      comment: 'parts/pages imports core/, http/html and the place that it fulfils, and nothing that opens',
      severity: 'error',
      from: { path: '^src/parts/pages/', pathNot: '(index|open|variables|kinds)[.]ts$' },
      to: { pathNot: '^(src/(parts/pages/|base/(core/|http/(html|pages)[.]ts$))|(node:)?crypto$)' }
    },
    {
      name: 'grpc-is-transport',
      comment: 'grpc/ is the second transport: it imports neither endpoints nor what they are made of',
      severity: 'error',
      from: { path: '^src/parts/grpc/' },
      to: { path: '^src/base/(verify|management|cache|redis|revocation)/' }
    },
    owner('@grpc', 'parts/grpc/listener[.]ts$'),
    owner('fastify', '(http/|parts/|management/)'),
    owner('undici', 'authgear/undici[.]ts$'),
    {
      name: 'only-what-asks-authgear-imports-its-pool',
      severity: 'error',
      from: {
        pathNot: '^src/(base/authgear/(resolver/|(public-endpoint|admin-api/client)[.]ts$)|' +
          'parts/(login/oidc/token-|(profile/userinfo|tokens/basic/exchange)[.]ts$))'
      },
      to: { path: '^src/base/authgear/undici[.]ts$' }
    },
    owner(
      'jose',
      '(authgear/(admin-api/token|key-set)|parts/(tokens/verifier|assertion/doctor|login/oidc/id-token))[.]ts$'
    ),
    owner('oauth4webapi', 'parts/login/oidc/token-(endpoint|exchange)[.]ts$'),
    owner('ioredis', 'redis/'),
    owner(
      'lru-cache',
      '(cache/store|authgear/resolver/failed-credentials|parts/(profile/(known-users|changes|lent)|' +
        'tokens/(verifier|basic/(ask|pairs))|' +
        'login/(sessions/(store|renewal|users)|oidc/codes)))[.]ts$'
    ),
    owner('@fastify/caching', 'parts/status/routes[.]ts$'),
    owner('marked', 'parts/status/runbook[.]ts$'),
    owner('prom-client', 'metrics/'),
    owner('pino', 'logging/log[.]ts$'),
    owner('@opentelemetry', 'parts/tracing/open[.]ts$'),
    owner('close-with-grace', 'commands/serve[.]ts$'),
    owner('@fastify/proxy-addr', 'http/trusted-proxies[.]ts$'),
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
