import { Ajv, type ValidateFunction } from 'ajv'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

const SCHEMAS = join(import.meta.dirname, '../fixtures/schemas')
const ajv = new Ajv({ strict: false, allErrors: true })

export type Resource = Readonly<{
  apiVersion?: string
  kind?: string
  metadata?: { name?: string, namespace?: string }
}>

/** The documents of a YAML file, which must all be readable. */
export function readYaml (path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map(document => {
    if (document.errors.length > 0) throw new Error(`${path}: ${String(document.errors[0])}`)
    return document.toJS()
  })
}

/** A file of test/fixtures/schemas; its README.md says where they came from. */
export const schemaOf = ({ apiVersion = '', kind = '' }: Resource): string =>
  `${apiVersion.replace('/', '.')}.${kind}.json`

export const hasSchema = (schema: string): boolean => existsSync(join(SCHEMAS, schema))

/** Compiling one takes far longer than using it. */
const validators = new Map<string, ValidateFunction>()

function validatorOf (schema: string): ValidateFunction {
  const validator = validators.get(schema) ?? ajv.compile(JSON.parse(readFileSync(join(SCHEMAS, schema), 'utf8')))
  validators.set(schema, validator)
  return validator
}

/** What of the value is not as the schema says. */
export function problemsOf (schema: string, value: unknown): readonly string[] {
  const validate = validatorOf(schema)
  return validate(value)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`
      )
}
