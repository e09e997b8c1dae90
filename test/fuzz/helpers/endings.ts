/** Longest that one case may take to end by itself, in milliseconds; what is not over then hangs. */
const HANG = 120_000

/** @throws where a case does not end */
export async function ends<T> (what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), HANG)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** @returns a check of the lines that came since the last one: a defect that was caught is a violation too */
export function nothingUnforeseen (
  log: ReadonlyArray<Readonly<Record<string, unknown>>>,
  isDefect = ({ level }: Readonly<Record<string, unknown>>): boolean => level === 'error'
): () => void {
  let checked = 0
  return () => {
    const errors = log.slice(checked).filter(isDefect)
    checked = log.length
    if (errors.length > 0) throw new Error(JSON.stringify(errors))
  }
}
