/** A directive of an nginx configuration; Lua stays as text. */
export type Directive = Readonly<{ words: string, block?: readonly Directive[] | string }>

/** A comment, a quoted text, plain text, or one of the signs that end a directive. */
const TOKEN = /^(?:#.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^#"'{};]+|.)/

/** Reads a configuration as nginx does: directives, blocks, comments, and quotes, in which none of them begins. */
export function parseNginx (text: string): readonly Directive[] {
  let at = 0
  return readBlock()

  function readBlock (): readonly Directive[] {
    const directives: Directive[] = []
    let directive = readDirective()
    while (directive !== undefined) {
      directives.push(directive)
      directive = readDirective()
    }
    return directives
  }

  function readDirective (): Directive | undefined {
    let words = ''
    while (at < text.length) {
      const [token = ''] = TOKEN.exec(text.slice(at, at + 4_000)) ?? []
      at += token.length
      if (token === '}') return undefined
      if (token === ';') return { words: words.trim() }
      if (token === '{') return { words: words.trim(), block: words.includes('_by_lua') ? readLua() : readBlock() }
      if (!token.startsWith('#')) words += token
    }
    return undefined
  }

  function readLua (): string {
    const from = at
    for (let depth = 1; depth > 0; at++) depth += text[at] === '{' ? 1 : text[at] === '}' ? -1 : 0
    return text.slice(from, at - 1)
  }
}

export function printNginx (directives: readonly Directive[]): string {
  return directives.map(({ words, block }) =>
    block === undefined
      ? `${words};\n`
      : `${words} {\n${typeof block === 'string' ? block : printNginx(block)}}\n`
  ).join('')
}
