import type { TokenEndpoint, Tokens } from '../oidc/token-endpoint.ts'
import { AuthgearTimeout, TokenCallFailed } from '../../../base/errors.ts'
import type { SessionRecord, SessionRef } from './record.ts'

export type RotationDeps = Readonly<{
  tokens: Pick<TokenEndpoint, 'refresh'>
  /** Milliseconds after which nobody waits. */
  timeoutMs: number
  /** The client's refresh tokens rotate: told once. */
  rotates: () => void
}>

export type Rotation = Readonly<{
  /** Known not to rotate: the old token stays good, and another try costs nothing. */
  isOff: (record: SessionRecord) => boolean
  /** False where no answer and no record has said yet whether it rotates. */
  isKnown: (record: SessionRecord) => boolean
  /** Learns what any record says. One that rotates is enough to be careful. */
  learn: (record: SessionRecord) => void
  /**
   * New tokens. Its answer may be the only copy of the next refresh token, and is waited for longer than anybody waits,
   * until it is known that there is no next one.
   * @param late called when nobody waits any more
   * @throws {GrantRefused} for `invalid_grant` alone @throws {ResolverError} for all that says nothing of the token
   */
  refresh: (target: SessionRef, record: SessionRecord, late: () => void) => Promise<Tokens>
}>

/**
 * Refresh tokens rotate or not by the client's setting at Authgear, which is noticed by its answers.
 * Where this process has had none yet, a record says what its own last one was, and then others' records do.
 */
export function createRotation ({ tokens, timeoutMs, rotates: tell }: RotationDeps): Rotation {
  let own: boolean | undefined
  let others: boolean | undefined
  const late = new Set<() => void>()
  const rotating = ({ rotates }: SessionRecord): boolean | undefined => own ?? rotates ?? others
  const isOff = (record: SessionRecord): boolean => rotating(record) === false
  const lookAgain = (): void => { for (const look of late) look() }

  function note ({ refreshToken: before }: SessionRecord, { refreshToken = before }: Tokens): void {
    const rotates = refreshToken !== before
    if (rotates && own !== true) tell()
    own = rotates
    lookAgain()
  }

  async function wait (target: SessionRef, record: SessionRecord, isLate: () => void): Promise<Tokens> {
    let look = (): void => {}
    const givenUp = new Promise<never>((_resolve, reject) => {
      look = () => { if (isOff(record)) reject(new TokenCallFailed(new AuthgearTimeout(timeoutMs))) }
    })
    const answer = tokens.refresh(record.refreshToken, target.trace, target.digests, () => {
      isLate()
      late.add(look)
      look()
    })
    return await Promise.race([answer, givenUp]).finally(() => late.delete(look))
  }

  return Object.freeze({
    isOff,
    isKnown: (record: SessionRecord) => rotating(record) !== undefined,
    learn ({ rotates }: SessionRecord): void {
      if (rotates === undefined || others === true || others === rotates) return
      others = rotates
      lookAgain()
    },
    async refresh (target: SessionRef, record: SessionRecord, isLate: () => void): Promise<Tokens> {
      const answer = isOff(record)
        ? await tokens.refresh(record.refreshToken, target.trace, target.digests)
        : await wait(target, record, isLate)
      note(record, answer)
      return answer
    }
  })
}
