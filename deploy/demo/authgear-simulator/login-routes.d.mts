import type { FastifyInstance } from 'fastify'

/** Reads what the forms of a page send. */
export function readForms (app: FastifyInstance): void
/** A path of this site, or the fallback where `wanted` could lead elsewhere. */
export function backTo (wanted: string, fallback: string): string
