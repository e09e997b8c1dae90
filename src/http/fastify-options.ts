import type { FastifyServerOptions } from 'fastify'

/** No route has a schema. */
function refuseSchema (): never {
  throw new Error('a route has a schema, and there is nothing that compiles one')
}

/** Its compilers of JSON schemas are not even loaded (docs/inside/decisions/157-of-undici-only-its-pool.md). */
export const WITHOUT_SCHEMAS = {
  schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } }
} as const satisfies FastifyServerOptions
