/**
 * Docker's --env-file and Kubernetes keep quotation marks, shells do not: the commonest reason for a value that looks
 * right.
 */
export function quotationHint (text: string): string {
  return /^(["']).*\1$/s.test(text) ? ' (the quotation marks around it are part of the value: leave them out)' : ''
}

const LONGEST = 60

/** A value for a message: control characters escaped, long ones cut. Never for anything that may hold a secret. */
export function quote (text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
}
