// What a fleet costs as it grows, by the formulas of docs/operations.md and the costs in docs/figures.ts:
// `npm run docs` writes the table and the pictures, a test compares.
import { CPU, KILOBYTES, memorySizes, revocationRates } from './figures.ts'
import { tableOf, withGenerated } from './generated.ts'

/** Of one of each, as measured: seconds of one core, and kilobytes. */
const COST = {
  memoryHit: CPU.memoryHit / 1e6,
  redisRead: CPU.redisHit / 1e6,
  resolution: CPU.sharedResolution / 1e6,
  redisKilobytes: KILOBYTES.inRedis,
  sessionKilobytes: KILOBYTES.inMemory
}
/** Resolutions that Authgear and its database manage on a core: 500 to 1,400 on two. */
const AUTHGEAR_PER_CORE = 500
/** Of Redis, by what one server does at some 60 % of its core. */
const COMMANDS_PER_MASTER = 80_000
const COMMANDS = { read: 2, resolution: 6 }
/** A replica is one thread: so much of it, so that a peak has room. */
const BUSY = 0.6
/** Of a life that is cut by up to a tenth, four fifths pass before it is renewed. */
const RENEWED_AT = 0.76

/** Sessions that ask every so many seconds. */
type Load = Readonly<{ sessions: number, every: number, ttl: number }>

type Cost = Readonly<Record<
  | 'requests' | 'resolutions' | 'resolutionsAlone' | 'reads' | 'commands' | 'cores' | 'replicas' | 'masters'
  | 'redisMegabytes' | 'authgearCores',
  number
>>

/** @param replicas as many as its CPU needs, two at least, where it is left out */
function costOf ({ sessions, every, ttl }: Load, replicas?: number): Cost {
  const requests = sessions / every
  const resolutions = sessions / (RENEWED_AT * ttl + every)
  const at = (count: number): Readonly<{ reads: number, cores: number }> => {
    // at most: what a replica renewed itself is in its memory
    const reads = sessions * count / (RENEWED_AT * ttl + every * count)
    const hits = Math.max(0, requests - reads - resolutions)
    return { reads, cores: hits * COST.memoryHit + reads * COST.redisRead + resolutions * COST.resolution }
  }
  let count = replicas ?? 2
  if (replicas === undefined) while (at(count).cores / count > BUSY) count++
  const { reads, cores } = at(count)
  const commands = reads * COMMANDS.read + resolutions * COMMANDS.resolution
  return {
    requests,
    resolutions,
    /** Each replica asks by itself. */
    resolutionsAlone: sessions * count / (RENEWED_AT * ttl + every * count),
    reads,
    commands,
    cores,
    replicas: count,
    masters: Math.max(1, Math.ceil(commands / COMMANDS_PER_MASTER)),
    redisMegabytes: 10 + sessions * COST.redisKilobytes / 1000,
    authgearCores: resolutions / AUTHGEAR_PER_CORE
  }
}

const SIZES: ReadonlyArray<Load & Readonly<{ breaks: string }>> = [
  { sessions: 10_000, every: 2, ttl: 30, breaks: 'none: the second replica is for availability' },
  { sessions: 1_000_000, every: 10, ttl: 30, breaks: 'Authgear and its database: use a longer TTL (next row)' },
  { sessions: 1_000_000, every: 10, ttl: 600, breaks: 'Authgear: have revocations delivered, then this TTL is safe' },
  {
    sessions: 50_000_000,
    every: 60,
    ttl: 600,
    breaks: 'Authgear, then Redis: use a Cluster, and a region with its own Redis for each group of users'
  }
]

const round = (value: number): string => {
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1)
  return value < 10 ? value.toFixed(1) : (Math.round(value / digits) * digits).toLocaleString('en-US')
}

/** @param page docs/operations.md */
export function withCost (page: string): string {
  const rows = SIZES.map(({ breaks, ...load }) => {
    const cost = costOf(load)
    return [
      load.sessions.toLocaleString('en-US'), `${load.every} s`, `${load.ttl} s`, round(cost.requests),
      round(cost.resolutions), round(cost.authgearCores), `${round(cost.commands)} on ${cost.masters}`,
      `${round(cost.redisMegabytes)} MB`, round(cost.cores), String(cost.replicas), breaks
    ]
  })
  const head = [
    'sessions', 'one request every', '`CACHE_TTL`', 'requests/s', 'resolutions/s', "Authgear's cores",
    'Redis commands/s, masters', 'Redis', 'replica cores', 'replicas', 'first bottleneck'
  ]
  return withGenerated(page, 'docs/cost.ts', tableOf(head, rows))
}

/** @returns the pictures by their files */
export function pictures (): Readonly<Record<string, string>> {
  const sessions = Array.from({ length: 31 }, (_, index) => 10 ** (3 + index / 6))
  const of = (ttl: number): readonly Cost[] => sessions.map((count) => costOf({ sessions: count, every: 10, ttl }))
  const replicas = Array.from({ length: 50 }, (_, index) => index + 1)
  const fleet = replicas.map((count) => costOf({ sessions: 1_000_000, every: 10, ttl: 600 }, count))
  const pauses = Array.from({ length: 25 }, (_, index) => 10 ** (3 - index / 6))
  const busier = pauses.map((every) => costOf({ sessions: 1_000_000, every, ttl: 600 }))
  const revocations = revocationRates()
  const sizes = memorySizes()
  const atRest = sizes.find((size) => size.sessions === 0)?.rss ?? 0
  const replica = sessions.map((count) => atRest + count * COST.sessionKilobytes / 1024)
  return {
    'docs/images/cost-resources.svg': draw('sessions, each asks every 10 s', sessions, [
      { name: 'MiB of a replica that remembers them all; dots: measured', values: replica },
      { name: 'MB of Redis', values: of(600).map(({ redisMegabytes }) => redisMegabytes) },
      { name: 'replica cores, TTL 10 min', values: of(600).map(({ cores }) => cores) },
      { name: "Authgear's cores, TTL 10 min", values: of(600).map(({ authgearCores }) => authgearCores) }
    ], sizes.filter((size) => size.sessions > 0).map((size) => [size.sessions, size.rss])),
    'docs/images/cost-requests.svg': draw('requests/s of 1,000,000 sessions', busier.map(({ requests }) => requests), [
      { name: 'Redis commands/s', values: busier.map(({ commands }) => commands) },
      { name: 'resolutions/s', values: busier.map(({ resolutions }) => resolutions) },
      { name: 'replica cores', values: busier.map(({ cores }) => cores) }
    ]),
    'docs/images/cost-revocations.svg': draw('revocations/s, measured', revocations.map(({ rate }) => rate), [
      { name: 'Redis, kB/s', values: revocations.map(({ bytes }) => bytes / 1000) },
      { name: 'CPU of the replica that gets them, %', values: revocations.map(({ cpu }) => cpu.first * 100) },
      { name: 'CPU of another replica, %', values: revocations.map(({ cpu }) => cpu.second * 100) },
      { name: 'ms until both refuse', values: revocations.map(({ times }) => times.median) }
    ]),
    'docs/images/cost-sessions.svg': draw('sessions, each asks every 10 s', sessions, [
      { name: 'requests/s', values: of(600).map(({ requests }) => requests) },
      { name: 'Redis commands/s, TTL 10 min', values: of(600).map(({ commands }) => commands) },
      { name: 'resolutions/s, TTL 30 s', values: of(30).map(({ resolutions }) => resolutions) },
      { name: 'resolutions/s, TTL 10 min', values: of(600).map(({ resolutions }) => resolutions) }
    ]),
    'docs/images/cost-replicas.svg': draw('replicas; 1,000,000 sessions, TTL 10 min', replicas, [
      { name: 'reads of Redis/s; without Redis, resolutions/s', values: fleet.map(({ reads }) => reads) },
      { name: 'resolutions/s with Redis', values: fleet.map(({ resolutions }) => resolutions) }
    ])
  }
}

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [760, 320, 84, 40]
/** At the right, so that the last label of a scale has room. */
const RIGHT = 36
const COLOURS = ['#175cd3', '#067647', '#b42318', '#93370d']

/** Both scales logarithmic: a line that rises by as much as it goes to the right grows in proportion. */
function draw (
  across: string,
  xs: readonly number[],
  lines: ReadonlyArray<Readonly<{ name: string, values: readonly number[] }>>,
  dots: ReadonlyArray<readonly [x: number, y: number]> = []
): string {
  const all = lines.flatMap(({ values }) => values)
  const [left, right] = [Math.log10(xs[0] ?? 1), Math.log10(xs.at(-1) ?? 10)]
  const [bottom, top] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))]
  const x = (value: number): number => LEFT + (Math.log10(value) - left) / (right - left) * (WIDTH - LEFT - RIGHT)
  const y = (value: number): number =>
    HEIGHT - BOTTOM - (Math.log10(value) - bottom) / (top - bottom) * (HEIGHT - BOTTOM - 12)
  const powers = (from: number, to: number): readonly number[] =>
    Array.from({ length: Math.floor(to) - Math.ceil(from) + 1 }, (_, index) => 10 ** (Math.ceil(from) + index))
  const label = (value: number): string => value.toLocaleString('en-US')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...powers(bottom, top).map((value) => `<path d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - RIGHT}" stroke="#e4e7ec"/>` +
      `<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${label(value)}</text>`),
    ...powers(left, right).map((value) =>
      `<text x="${x(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${label(value)}</text>`),
    ...lines.flatMap(({ name, values }, index) => {
      const points = values.map((value, at) => `${x(xs[at] ?? 1).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
      return [
        `<polyline fill="none" stroke="${COLOURS[index]}" stroke-width="2" points="${points}"/>`,
        `<text x="${LEFT + 12}" y="${30 + 18 * index}" fill="${COLOURS[index]}">${name}</text>`
      ]
    }),
    ...dots.map(([at, value]) =>
      `<circle cx="${x(at).toFixed(1)}" cy="${y(value).toFixed(1)}" r="4" fill="${COLOURS[0]}"/>`),
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${across}</text>`,
    '</svg>',
    ''
  ].join('\n')
}
