import { destination, pino, type DestinationStream, type Logger } from 'pino'

/** No token, cookie, secret or header value of Authgear's ever goes in, at any level: callers pass names, numbers and fingerprints. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on standard output, written at once so that none is lost when the process ends. */
export function createLog (level: LogLevel, stream: DestinationStream = destination({ fd: 1, sync: true })): Log {
  return pino({ level, base: null, formatters: { level: (label) => ({ level: label }) }, timestamp: () => `,"time":"${new Date().toISOString()}"` }, stream)
}

/** What may be logged of an error: its code and message, and those of what caused it. */
export function describe (error: unknown): Readonly<{ code?: string, message: string, cause?: string }> {
  if (!(error instanceof Error)) return { message: 'a value that is not an error was thrown' }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { ...code, message: error.message, ...(error.cause instanceof Error ? { cause: error.cause.message } : {}) }
}
