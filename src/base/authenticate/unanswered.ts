import type { MemoryKey } from '../core/cache-key.ts'
import { BoundedMap } from '../revocation/bounded-map.ts'

/** Times in a row that others' sessions are answered, and this one is not, before that is no outage. */
const MAX_ALONE = 3
/** A client can add only credentials that were valid. */
const MAX_KEYS = 1000

type Unanswered = Readonly<{ answersThen: number, alone: number }>

/**
 * A client can have a firewall before Authgear drop its own requests, by what it sends: that must not keep a session
 * that has ended. A few in a row are bad luck, where Authgear answers some requests and not others.
 */
export function createUnanswered () {
  let answers = 0
  const unanswered = new BoundedMap<Unanswered>(MAX_KEYS)
  return Object.freeze({
    /** Authgear knew the session. */
    answered (key: MemoryKey): void {
      answers++
      unanswered.delete(key)
    },
    /** Authgear gave no answer. @returns whether that may be an outage */
    mayBeOutage (key: MemoryKey): boolean {
      const last = unanswered.get(key)
      const isAlone = last !== undefined && last.answersThen < answers
      const alone = (last?.alone ?? 0) + Number(isAlone)
      unanswered.set(key, { answersThen: answers, alone })
      return alone < MAX_ALONE
    }
  })
}
