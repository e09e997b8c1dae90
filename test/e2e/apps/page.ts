import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../../docs/apps/', import.meta.url)

/** @returns what the block of that file name holds on a page of docs/apps: what people copy is what runs here */
export function codeOf (page: string, file: string): string {
  const text = readFileSync(new URL(page, FOLDER), 'utf8')
  const blocks = [...text.matchAll(/^```\S+ (\S+)\n([^]*?)^```$/gm)]
  const found = blocks.find(([, name]) => name === file)?.[2]
  if (found === undefined) throw new Error(`docs/apps/${page} has no block ${file}`)
  return found
}
