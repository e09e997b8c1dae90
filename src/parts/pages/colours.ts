/** The brand's colour on the paper of one scheme. */
export type Accent = Readonly<{
  /** The colour of links, outlines and filled buttons. */
  mark: string
  /** The colour of the text on a filled button. */
  on: string
  /** Behind a drawing, and behind a link under the pointer. */
  halo: string
}>

type Rgb = readonly [number, number, number]

const BLACK: Rgb = [0, 0, 0]
const WHITE: Rgb = [255, 255, 255]
export const PAPER = { light: '#ffffff', dark: '#1b2029' } as const
/** WCAG 2.2, 1.4.3: text. */
const LEGIBLE = 4.5
const STEPS = 50

/** The colour itself where it is legible on the paper; else the nearest on the way to black, or to white. */
export function accentOf (colour: string, scheme: keyof typeof PAPER): Accent {
  const [paper, end] = scheme === 'light' ? [readHex(PAPER.light), BLACK] : [readHex(PAPER.dark), WHITE]
  for (let step = 0; ; step++) {
    const mark = mix(readHex(colour), end, step / STEPS)
    const halo = mix(paper, mark, 0.12)
    const on = contrast(mark, WHITE) >= LEGIBLE ? WHITE : BLACK
    const isLegible = contrast(mark, paper) >= LEGIBLE && contrast(mark, halo) >= LEGIBLE
    if (isLegible || step === STEPS) return { mark: writeHex(mark), on: writeHex(on), halo: writeHex(halo) }
  }
}

/** @param text `#rrggbb` */
function readHex (text: string): Rgb {
  const part = (at: number): number => Number.parseInt(text.slice(at, at + 2), 16)
  return [part(1), part(3), part(5)]
}

const writeHex = (colour: Rgb): string =>
  `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`

const mix = ([r, g, b]: Rgb, [toR, toG, toB]: Rgb, share: number): Rgb =>
  [Math.round(r + (toR - r) * share), Math.round(g + (toG - g) * share), Math.round(b + (toB - b) * share)]

/** WCAG 2.2's contrast ratio, 1 to 21. */
function contrast (one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminance ([r, g, b]: Rgb): number {
  const linear = (part: number): number =>
    part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}
