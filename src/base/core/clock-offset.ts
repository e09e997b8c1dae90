/** When Authgear was asked and answered, by this machine, and its `Date` of whole seconds; all in milliseconds. */
export type ClockObservation = Readonly<{ asked: number, answered: number, date: number }>

/** Milliseconds that this machine's clock is ahead at the least; below 0: behind; 0: the two may agree. */
export const clockOffsetMs = ({ asked, answered, date }: ClockObservation): number =>
  date > answered ? answered - date : Math.max(0, asked - (date + 1000))
