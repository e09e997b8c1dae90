import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

/** A name as browsers write it: ASCII, lower case, no dot at its end. */
const LOGIN_HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

function loginHostProblem (entry: string): string | undefined {
  const name = entry.replace(/^\*\./, '')
  if (/[/@]/.test(entry)) return `${quote(entry)} is not a host name: leave out scheme and path`
  if (/:/.test(entry)) return `${quote(entry)} has a port other than 443: people come back over https on its own port`
  if (name !== name.toLowerCase()) return `${quote(entry)} is not in lower case`
  if (!LOGIN_HOST_NAME.test(name) || !isOneName(name)) return `${quote(entry)} is not a host name, nor *. and one`
  return name !== entry && !name.includes('.') ? `${quote(entry)} would be every host of a top-level domain` : undefined
}

/** `1.2` and `0x7f.1` are read as addresses by browsers, and then are no longer what was compared. */
function isOneName (name: string): boolean {
  return URL.canParse(`https://${name}`) && new URL(`https://${name}`).hostname === name
}

/** Hosts that people may be sent back to. `*.example.com` is every host below example.com, and not that one itself. */
export const loginHosts: Kind<readonly string[]> = Object.freeze({
  accepts: 'host names or `*.example.com`, separated by commas; lower case, ASCII, no port but 443',
  parse: (text: string) => {
    const entries = text.split(',').map((entry) => entry.trim().replace(/:443$/, '')).filter((entry) => entry !== '')
    const problems = entries.map(loginHostProblem).filter((found) => found !== undefined)
    if (entries.length === 0) return problem('names no host')
    return problems.length === 0 ? parsed(entries, entries.join(',')) : problem(problems.join('; '))
  }
})
