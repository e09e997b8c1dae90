/** Docker's --env-file and Kubernetes keep quotation marks, shells do not: the commonest reason for a value that looks right. */
export function quotationHint (text: string): string {
  return /^(["']).*\1$/s.test(text) ? ' (the quotation marks around it are part of the value: leave them out)' : ''
}
