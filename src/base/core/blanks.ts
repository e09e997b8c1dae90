/** Blank and TAB only: String.trim would also take control bytes and the no-break space, which HTTP and Go keep. */
export function trimBlanks (text: string, start: number, end: number): string {
  const from = afterBlanks(text, start, end)
  return text.slice(from, trimmedEnd(text, from, end))
}

/** @returns where the text begins without the blanks before it; never after `end` */
function afterBlanks (text: string, start: number, end: number): number {
  while (start < end && isBlank(text.charCodeAt(start))) start++
  return start
}

/** @returns where the text ends without the blanks behind it; never before `start` */
export function trimmedEnd (text: string, start: number, end: number): number {
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return end
}

function isBlank (code: number): boolean {
  return code === 0x20 || code === 0x09
}
