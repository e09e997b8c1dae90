/** Names and types in the place of values. Text that is not JSON: with 9 for each number. */
export function formOf (written: string): unknown {
  const start = written.search(/[[{]/)
  const parsed = start < 0 ? undefined : parse(written.slice(start))
  if (parsed === undefined) return written.replace(/\d+/g, '9')
  if (written.startsWith('["format')) return written
  const before = written.slice(0, start)
  const head = before.charCodeAt(0) < 32 ? `form ${before.charCodeAt(0)}` : before.replace(/\d+/g, '9')
  return before === '' ? typesOf(parsed) : [head, typesOf(parsed)]
}

function parse (json: string): unknown {
  try { return JSON.parse(json) } catch { return undefined }
}

function typesOf (value: unknown): unknown {
  if (typeof value === 'string') return isJson(value) ? formOf(value) : 'string'
  if (Array.isArray(value)) return isList(value) ? differing(value.map(typesOf)) : value.map(typesOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typesOf(one)]))
}

/** After a first byte that is a form's number, perhaps. */
function isJson (text: string): boolean {
  const start = text.search(/[[{]/)
  return start === 0 || (start === 1 && text.charCodeAt(0) < 32)
}

/** Of things alike, not a tuple. */
const isList = (values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === 'object' && value !== null && !Array.isArray(value))

const differing = (forms: readonly unknown[]): unknown[] =>
  [...new Set(forms.map((form) => JSON.stringify(form)))].map((form) => JSON.parse(form) as unknown)
