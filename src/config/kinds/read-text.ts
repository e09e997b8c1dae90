import type { ReadFile } from '../kind.ts'

/**
 * A file's text, or why there is none. The path is not repeated: in place of a path people write the secret itself.
 * U+FFFD stands for bytes that are no UTF-8, which would be lost.
 */
export function readText (path: string, readFile: ReadFile): Readonly<{ text: string } | { problem: string }> {
  try {
    const text = readFile(path)
    if (text.includes('\uFFFD') || text.includes('\0')) return { problem: 'names a file that is not text (encode it, for instance with base64)' }
    return { text }
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
    return { problem: `names a file that cannot be read (${code}): check path and permissions` }
  }
}
