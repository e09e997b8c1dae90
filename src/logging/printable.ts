/** C0 and C1 controls, line separators, and what turns the direction of a text. */
// eslint-disable-next-line no-control-regex -- that is what it is for
const COMMANDS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text of others for a terminal, which it must not command: what would is written as JSON escapes it. */
export function printable (text: string): string {
  return text.replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
