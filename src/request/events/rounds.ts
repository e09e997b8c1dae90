/** Of one turn: some milliseconds, after which others have theirs. */
const TURN = 100

/**
 * Gives each of many a turn, a hundred at once, so that nobody waits for all of them.
 * @returns begins a round, or sees to it that another one comes after the one under way
 */
export function createRounds<One> (all: ReadonlySet<One>, act: (one: One) => void, soon: (run: () => void) => void) {
  let isUnderWay = false
  let isWanted = false
  function turn (left: Iterator<One>): void {
    for (let n = 0; n < TURN; n++) {
      const { value, done } = left.next()
      if (done === true) return end()
      act(value)
    }
    soon(() => turn(left))
  }
  function begin (): void {
    isUnderWay = true
    isWanted = false
    soon(() => turn(all.values()))
  }
  function end (): void {
    isUnderWay = false
    if (isWanted) begin()
  }
  return (): void => {
    if (isUnderWay) isWanted = true
    else begin()
  }
}
