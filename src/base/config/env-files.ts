import type { ReadFile } from './kind.ts'

/** Unquoted values with a # that no blank precedes: Node takes the rest of the line for a comment. */
const CUT = /^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=(|[ \t]*(?!["'`])[^\n#]*[^\s#])#/gm
const OPTION = /^--env-file(?:-if-exists)?(?:=(.*))?$/s

/** The files of Node's own --env-file. @param execArgv of this process */
function filesIn (execArgv: readonly string[]): readonly string[] {
  return execArgv.flatMap((word, index) => {
    const [isOption, value = execArgv[index + 1] ?? ''] = OPTION.exec(word) ?? []
    return isOption === undefined ? [] : [value]
  })
}

/** An error for each variable whose value Node's --env-file cut at a #: it would silently mean something else. */
export function cutVariables (
  env: NodeJS.ProcessEnv, execArgv: readonly string[], readFile: ReadFile, known: readonly string[]
): readonly string[] {
  return filesIn(execArgv).flatMap((file) => [...textOf(file, readFile).matchAll(CUT)])
    .filter(([, name = '', kept = '']) => known.includes(name) && env[name] === kept.trim())
    .map(([, name = '']) => `${name}: --env-file cut its value at the #: put quotation marks around it in that file`)
}

function textOf (file: string, readFile: ReadFile): string {
  try {
    return readFile(file)
  } catch {
    return '' // Node has read it
  }
}
