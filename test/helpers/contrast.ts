type Rgb = readonly [number, number, number]

/** WCAG 2.2's contrast ratio of two opaque colours, 1 to 21. @param a `#rgb`, `#rrggbb` or `rgb(r, g, b)` */
export function contrast (a: string, b: string): number {
  const [lighter = 0, darker = 0] = [luminance(readColour(a)), luminance(readColour(b))].toSorted((x, y) => y - x)
  return (lighter + 0.05) / (darker + 0.05)
}

function readColour (text: string): Rgb {
  const digits = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(text)?.[1]
  if (digits !== undefined) {
    return rgb(
      (digits.length === 3 ? digits.replace(/./g, '$&$&') : digits).match(/../g)?.map((pair) => parseInt(pair, 16)),
      text
    )
  }
  return rgb(/^rgb\((\d+), (\d+), (\d+)\)$/.exec(text)?.slice(1).map(Number), text)
}

function rgb (parts: readonly number[] | undefined, text: string): Rgb {
  const [r, g, b] = parts ?? []
  if (r === undefined || g === undefined || b === undefined) throw new Error(`not an opaque colour: ${text}`)
  return [r, g, b]
}

function luminance (colour: Rgb): number {
  const [r, g, b] = colour.map((part) => part / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0)
}
