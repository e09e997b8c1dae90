import type { SentDigests } from '../../core/cache-key.ts'
import { networkOf } from '../../core/network.ts'
import { AuthgearStatus, AuthgearTimeout, AuthgearUnreachable } from '../../errors.ts'
import type { ClientTrace } from './types.ts'

/** The requester: the credentials' digests, the client's network if a trusted proxy named it, or this service. */
export type Asker = SentDigests & Readonly<{ client?: string | undefined, isOwn?: boolean }>

/** Asks about nobody, to learn whether Authgear answers. */
export const OURSELVES: Asker = Object.freeze({ whole: [], all: [], isOwn: true })

/** So many failures in a row, of so many different askers, are an outage. */
const MAX_FAILURES = 5

/** Stands for credentials without a digest, such as an empty cookie. */
const NO_CREDENTIAL = ['nothing'] as const
export const orNoCredential = (digests: readonly string[]): readonly string[] =>
  digests.length > 0 ? digests : NO_CREDENTIAL

/** A client chooses its credentials, so that one it is whatever it sends; a network is one client. */
export const namesOf = ({ all, client }: Asker): readonly string[] =>
  client === undefined ? orNoCredential(all) : [client]

/** @returns undefined where no trusted proxy names the client: the address is everybody's then */
export const clientIn = ({ address, isNamed }: ClientTrace): string | undefined =>
  isNamed === true && address !== undefined ? networkOf(address) : undefined

export const isServerError = (error: unknown): boolean => error instanceof AuthgearStatus && error.status >= 500
export const isUnanswered = (error: unknown): boolean =>
  error instanceof AuthgearUnreachable || error instanceof AuthgearTimeout

/**
 * The failures since Authgear's last verdict. A firewall before Authgear may dislike one client, and a session of its
 * own may make Authgear answer 500: neither is an outage for others.
 */
export function createFailures () {
  const answered = createDifferent()
  /** The same by credentials alone, which one client can make up. */
  const answeredCredentials = createDifferent()
  const unanswered = createDifferent()
  let inARow = 0
  let isOwnAnswered = false
  let isOwnUnanswered = false
  const areMany = (): boolean => inARow >= MAX_FAILURES
  const areServerErrorsMany = (): boolean => answered.areMany() || (isOwnAnswered && answeredCredentials.areMany())
  const isOutage = (): boolean =>
    areServerErrorsMany() || (areMany() && (unanswered.areMany() || isOwnUnanswered))
  const clear = (): void => {
    for (const one of [answered, answeredCredentials, unanswered]) one.clear()
    inARow = 0
    isOwnAnswered = false
    isOwnUnanswered = false
  }
  function note (asker: Asker, error: unknown): void {
    const isOwn = asker.isOwn === true
    if (isServerError(error)) {
      isOwnAnswered ||= isOwn
      if (isOwn) return
      const credentials = orNoCredential(asker.all)
      answeredCredentials.add(credentials)
      answered.add(asker.client === undefined ? credentials : [asker.client, ...asker.all])
    } else if (isUnanswered(error)) {
      inARow++
      isOwnUnanswered ||= isOwn
      if (!isOwn) unanswered.add(namesOf(asker))
    }
  }
  return Object.freeze({
    areServerErrorsMany,
    isOutage,
    /** Many failed, of too few askers: the service's own question decides. */
    isDoubtful: () => (areMany() || answeredCredentials.areMany()) && !isOutage(),
    clear,
    async watch<T> (asker: Asker, task: () => Promise<T>): Promise<T> {
      try {
        const result = await task()
        if (asker.isOwn !== true) clear() // Authgear answers about nobody without its database
        return result
      } catch (error) {
        note(asker, error)
        throw error
      }
    }
  })
}

/** Counts different askers; those that share a name count once. */
function createDifferent () {
  const seen = new Set<string>()
  let count = 0
  return {
    areMany: () => count >= MAX_FAILURES,
    add (names: readonly string[]): void {
      // nothing more is kept of an asker that is known: one client makes up as many credentials as it likes
      if (count >= MAX_FAILURES || names.some((name) => seen.has(name))) return
      count++
      for (const name of names) seen.add(name)
    },
    clear (): void {
      // V8 would give even an empty set a new table, kept until the next full collection
      if (count > 0) seen.clear()
      count = 0
    }
  }
}
