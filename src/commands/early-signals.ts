const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const end = (): never => process.exit(0)

/** Ends the process on a signal while its modules load: process 1 ignores a signal that has no handler. */
export function endOnSignal (): void {
  for (const signal of SIGNALS) process.on(signal, end)
}

/** From here on the service handles the signals itself. */
export function stopEndingOnSignal (): void {
  for (const signal of SIGNALS) process.off(signal, end)
}
