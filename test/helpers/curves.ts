export type Curve = Readonly<{ name: string, values: readonly number[] }>

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 240, 48, 40]
const COLOURS = ['#b42318', '#175cd3', '#067647']

/** A small SVG: one value a second of each curve, from zero, with its name beside its end. */
export function drawCurves (unit: string, across: string, curves: readonly Curve[]): string {
  const most = Math.max(...curves.flatMap(({ values }) => values.filter(Number.isFinite))) * 1.1
  const length = Math.max(...curves.map(({ values }) => values.length))
  const x = (index: number): string => (LEFT + index / Math.max(1, length - 1) * (WIDTH - LEFT - 8)).toFixed(1)
  const y = (value: number): string => (HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - 8)).toFixed(1)
  const lines = curves.flatMap(({ name, values }, index) => [
    `<polyline fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.5" ` +
      `points="${values.flatMap((value, at) => (Number.isFinite(value) ? [`${x(at)},${y(value)}`] : [])).join(' ')}"/>`,
    `<text x="${LEFT + 12}" y="${Number(y(values.at(Math.floor(values.length / 2)) ?? 0)) - 6}" ` +
      `fill="${COLOURS[index % COLOURS.length]}">${name}</text>`
  ])
  const scale = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(most / 1.1 * share))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" ` +
      'font-size="12" role="img">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...scale.map(
      (value) =>
        `<path d="M${LEFT} ${y(value)}H${WIDTH - 8}" stroke="#e4e7ec"/><text x="${LEFT - 6}" ` +
          `y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`
    ),
    ...lines,
    `<text x="${LEFT - 6}" y="${HEIGHT - 8}" text-anchor="end">${unit}</text><text x="${WIDTH - 8}" ` +
      `y="${HEIGHT - 8}" text-anchor="end">${length} ${across}</text>`,
    '</svg>',
    ''
  ].join('\n')
}
