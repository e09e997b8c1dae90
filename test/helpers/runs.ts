/** Of `npm run test:all` (test/run/main.ts); 1 in `npm test`. */
const TIMES = Number(process.env['RANDOM_TIMES'] ?? 1)

/** Whether this is test:all, where all rows and forms are tried. */
export const IS_ALL = TIMES > 1

/** How many random cases there are, where `npm test` has `count`; `ofAll`: in test:all, where that is not the usual. */
export const runs = (count: number, ofAll = count * TIMES): number => IS_ALL ? ofAll : count
