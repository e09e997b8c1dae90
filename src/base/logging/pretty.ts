import { styleText } from 'node:util'
import { parseObject } from '../core/json.ts'
import type { LogOutput } from './log.ts'

type Lines = Pick<LogOutput, 'write'>

const COLORS = { trace: 'gray', debug: 'gray', info: 'green', warn: 'yellow', error: 'red', fatal: 'red' } as const

/** Values that may stand without quotes. */
const PLAIN = /^[\w.:/@%+,()-]+$/

/** @param colored for a terminal, and nothing else */
export function prettyStream (stream: Lines, colored: boolean): Lines {
  return { write: (line: string) => stream.write(pretty(line, colored)) }
}

/** `12:34:56.789 WARN  what happened  name=value …` of one JSON line; what is not one stays as it is. */
export function pretty (line: string, colored: boolean): string {
  const { time, level, msg, ...rest } = parseObject(line) ?? {}
  if (typeof time !== 'string' || typeof level !== 'string') return line
  const paint = (color: Parameters<typeof styleText>[0], text: string): string =>
    colored ? styleText(color, text, { validateStream: false }) : text
  const fields = flatten(rest).map(([name, value]) => `${paint('dim', `${name}=`)}${value}`)
  const head = [
    paint('dim', time.slice(11, 23)),
    paint(COLORS[level as keyof typeof COLORS] ?? 'red', level.toUpperCase().padEnd(5)),
    quoted(msg ?? '').slice(1, -1)
  ]
  return `${[head.join(' '), ...(fields.length === 0 ? [] : [fields.join(' ')])].join('  ')}\n`
}

/** `error: {code}` becomes `error.code`. */
function flatten (fields: object, prefix = ''): ReadonlyArray<readonly [name: string, value: string]> {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flatten(value, `${prefix}${name}.`)
      : [[`${prefix}${name}`, textOf(value)] as const]
  )
}

function textOf (value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value) ? value : quoted(value)
}

/** As JSON, and without the characters that JSON lets through: what is logged must not command a terminal. */
function quoted (value: unknown): string {
  return printable(JSON.stringify(value))
}

/** C0 and C1 controls, line separators, and what turns the direction of a text. */
// eslint-disable-next-line no-control-regex -- that is what it is for
const COMMANDS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text of others for a terminal, which it must not command: what would is written as JSON escapes it. */
export function printable (text: string): string {
  return text.replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
