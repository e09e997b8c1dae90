const LONGEST = 60

/** A value for a message: control characters escaped, long ones cut. Never for anything that may hold a secret. */
export function quote (text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
}
