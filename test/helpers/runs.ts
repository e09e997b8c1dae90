/** Of `npm run test:all` (test/run/main.ts); 1 in `npm test`. */
const TIMES = Number(process.env['RANDOM_TIMES'] ?? 1)

/** How many random cases there are, where `npm test` has `count`. */
export const runs = (count: number): number => count * TIMES
