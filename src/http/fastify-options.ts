import type { FastifyServerOptions } from 'fastify'

/** No route has a schema. */
function refuseSchema (): never {
  throw new Error('a route has a schema, and there is nothing that compiles one')
}

/** For every Fastify here: its compilers of JSON schemas, a tenth of a start, are not loaded (docs/performance.md). */
export const WITHOUT_SCHEMAS = {
  schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } }
} as const satisfies FastifyServerOptions
