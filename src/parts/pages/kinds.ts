import { type Kind, parsed, problem, quote, type ReadFile } from '../../base/config/kind.ts'
import { readWhole } from '../../base/config/parsers/files.ts'
import { pageLink } from '../../base/config/parsers/urls.ts'

/** One line of text for people. */
export function shortText (max: number): Kind<string> {
  return Object.freeze({
    accepts: `a line of text of at most ${max} characters`,
    parse: (text: string) => {
      if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return problem('has a line break or another control character: write one line')
      return text.length <= max ? parsed(text, text) : problem(`is longer than ${max} characters: shorten it`)
    }
  })
}

/** @returns it as `#rrggbb`, in lower case */
export const brandColor: Kind<string> = Object.freeze({
  accepts: 'a colour as `#rrggbb` or `#rgb`',
  parse: (text: string) => {
    const [, digits] = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text) ?? []
    if (digits === undefined) return problem(`${quote(text)} is not a colour: write # and six hexadecimal digits, such as #0b6e4f`)
    const colour = `#${digits.length === 3 ? digits.replace(/./g, '$&$&') : digits}`.toLowerCase()
    return parsed(colour, colour)
  }
})

const MAIL = /^mailto:[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}(?:\?subject=[A-Za-z0-9._~%-]{1,200})?$/

/** A page, or an address to write to. */
export const helpLink: Kind<string> = Object.freeze({
  accepts: `${pageLink.accepts}, or \`mailto:\` and an address`,
  parse: (text: string, readFile: ReadFile) => {
    if (!text.startsWith('mailto:')) return pageLink.parse(text, readFile)
    return MAIL.test(text) ? parsed(text, text) : problem('is not an e-mail address: write mailto:help@example.com')
  }
})

/** Each page holds it, in base64 and twice. */
const MAX_LOGO_BYTES = 16 * 1024
const PNG = '\x89PNG\r\n\x1a\n'
/** Up to its first element. A comment ends at its first `-->`: else a file of many would take an hour. */
const SVG = /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*)?(?:(?:<!--(?:(?!-->)[^])*-->|<!DOCTYPE[^>]*>)\s*)*<svg[\s>]/
/** Things that an SVG of a logo does not need: scripts, other files, other documents, entities. */
const FORBIDDEN_IN_SVG: ReadonlyArray<readonly [pattern: RegExp, what: string]> = [
  [/<\s*(?:[\w-]+:)?script/i, 'a script'],
  [/[\s"'/]on[a-z]+\s*=/i, 'an event handler'],
  [/<\s*(?:[\w-]+:)?(?:foreignObject|iframe|object|embed|handler)/i, 'another document'],
  [/<!(?:DOCTYPE|ENTITY)|<\?xml-stylesheet/i, 'a DOCTYPE, an entity or a style sheet'],
  [/\b(?:href|src)\s*=\s*(?:"(?!#|data:image\/(?:png|jpeg);)|'(?!#|data:image\/(?:png|jpeg);)|[^"'\s])/i, 'a reference to outside'],
  [/url\(\s*["']?(?!#|["'\s])|@import|javascript:/i, 'a reference to outside']
]

/** A picture as a `data:` URL: a page loads nothing, from nowhere. */
export const brandLogo: Kind<string> = Object.freeze({
  accepts: 'the path of a PNG or SVG file of at most 16 KiB, the SVG without scripts and references to outside',
  parse: (path: string, readFile: ReadFile) => {
    const read = readWhole(path, readFile, 'latin1')
    if ('problem' in read) return problem(read.problem)
    const bytes = Buffer.from(read.text, 'latin1')
    if (bytes.length > MAX_LOGO_BYTES) {
      return problem(`names a file of ${bytes.length} bytes, and each page holds it: give one of at most 16 KiB`)
    }
    if (read.text.startsWith(PNG)) return parsed(dataUrl('png', bytes), path)
    const svg = bytes.toString('utf8')
    if (!SVG.test(svg)) {
      return problem('names a file that is neither PNG nor SVG')
    }
    if (!svg.includes('http://www.w3.org/2000/svg')) {
      return problem('names an SVG that browsers do not show: add xmlns="http://www.w3.org/2000/svg" to its first element')
    }
    const [, found] = FORBIDDEN_IN_SVG.find(([pattern]) => pattern.test(svg)) ?? []
    return found === undefined
      ? parsed(dataUrl('svg+xml', bytes), path)
      : problem(`names an SVG with ${found}: export it as a plain SVG, or as PNG`)
  }
})

const dataUrl = (type: string, bytes: Buffer): string => `data:image/${type};base64,${bytes.toString('base64')}`
