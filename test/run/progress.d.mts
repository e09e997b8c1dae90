type Screen = Readonly<{ isTTY?: boolean, columns?: number, write: (text: string) => unknown }>
export type Progress = Readonly<{
  /** Says how it stands, where that is due. */
  look: () => void
  /** A line that stays. */
  line: (text: string) => void
  clear: () => void
}>
export function startProgress (state: () => string): Progress & Readonly<{ stop: () => void }>
