import type { Registry } from 'prom-client'
import { counter, gauge, register } from './table.ts'

const LINES = {
  written: counter(
    'forward_auth_access_record_written_total', 'Lines of the access record that the file or pipe has taken.'
  ),
  lost: counter(
    'forward_auth_access_record_lost_total',
    'Lines of the access record that nobody will read; the next line says how many are missing.'
  )
}

const WRITABLE = {
  writable: gauge(
    'forward_auth_access_record_writable',
    '1 while the access record can be written; 0: its disk refuses, or nobody reads it.'
  )
}

/** @param isWritten undefined without ACCESS_RECORD */
export function registerRecord (registry: Registry, isWritten: (() => boolean) | undefined) {
  const { count } = register(registry, LINES)
  if (isWritten !== undefined) register(registry, WRITABLE).read({ writable: () => Number(isWritten()) })
  return count
}
