import ts from 'typescript'

/** Offsets into a text; `end` is the first that is not in it. */
export type Range = Readonly<{ pos: number, end: number }>

export function rangesOf (text: string, pattern: RegExp): Range[] {
  return Array.from(text.matchAll(pattern), ({ index, 0: found }) => ({ pos: index, end: index + found.length }))
}

/** The comments of TypeScript or JavaScript, as its own parser finds them. */
export function commentsOf (text: string): Range[] {
  const source = ts.createSourceFile('any.ts', text, ts.ScriptTarget.Latest, true)
  const found = new Map<number, Range>()
  const visit = (node: ts.Node): void => {
    const before = ts.getLeadingCommentRanges(text, node.pos) ?? []
    const after = ts.getTrailingCommentRanges(text, node.end) ?? []
    for (const range of [...before, ...after]) found.set(range.pos, range)
    for (const child of node.getChildren(source)) visit(child)
  }
  visit(source)
  return [...found.values()].sort((a, b) => a.pos - b.pos)
}

const same = (part: string): string => part
const blank = (part: string): string => part.replace(/[^\n]/g, ' ')

/** The text with everything but these ranges blank: offsets and lines stay what they are. */
export function keep (text: string, ranges: readonly Range[]): string {
  return map(text, ranges, same, blank)
}

/** The text with these ranges blank. */
export function keepOut (text: string, ranges: readonly Range[]): string {
  return map(text, ranges, blank, same)
}

export function withoutUrls (text: string): string {
  return text.replace(/\b[a-z]+:\/\/[^\s)>\]`'"*]+/g, blank)
}

type Change = (part: string) => string

function map (text: string, ranges: readonly Range[], inside: Change, outside: Change): string {
  const parts: string[] = []
  let at = 0
  for (const { pos, end } of ranges) {
    parts.push(outside(text.slice(at, pos)), inside(text.slice(pos, end)))
    at = end
  }
  return parts.join('') + outside(text.slice(at))
}
