import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

const HOST_PATTERN = /^(?:\*\.)?[a-z\d](?:[a-z\d_-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d_-]{0,61}[a-z\d])?)*$/

/** Host names as a browser's address bar has them, without scheme, port and path. */
export const hostNames: Kind<readonly string[]> = Object.freeze({
  accepts: 'host names or `*.example.com`, separated by commas',
  parse: (text: string) => {
    const names = text.split(',').map((name) => name.trim().toLowerCase())
    const wrong = names.find((name) => !HOST_PATTERN.test(name))
    return wrong === undefined ? parsed(names, names.join(',')) : problem(`${quote(wrong)} is no host name: write status.example.com or *.example.com, without scheme and port`)
  }
})
