import type { Config } from '../../../base/config/index.ts'
import { cookieNames, readCredentials, type CredentialsRead } from '../../../base/core/credentials.ts'
import { jwtAudience, jwtExpiry, jwtIssuer } from '../../../base/core/token-expiry.ts'
import type { Resolution } from '../../../base/core/resolution.ts'
import { createFindForeignFields } from '../../../base/core/foreign-cookies.ts'
import { found, type Finding, NOT_A_RESOURCE } from '../catalogue.ts'
import { hidingOf, looked, skipped, type Context, type Outcome, type Probe } from '../check.ts'
import { atOf, ofPart } from '../of-parts.ts'
import { askAbout } from './authgear.ts'

/** Asks Authgear about what was pasted. Nothing of it is ever printed, but a prefix that may be one. */
export const pasted: Probe = {
  title: 'what was pasted',
  needs: 'authgear',
  async run (context) {
    switch (context.options.paste) {
      case undefined: return skipped('nothing was: --cookie-stdin and --token-stdin')
      case 'cookie': {
        const hidden = hidingOf(context)
        return hidden === undefined
          ? await aboutCookies(context)
          : skipped(`${hidden}: its cookie says something to the service alone, which --url asks`)
      }
      case 'token': return await aboutToken(context)
    }
  }
}

async function aboutCookies ({ pasted, look, config: { authgear: { cookiePrefix } } }: Context): Promise<Outcome> {
  const lines = pasted
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^cookie:\s*/i, ''))
    .filter((line) => line !== '')
  const [names, rawHeaders] = [cookieNames(cookiePrefix), lines.flatMap((line) => ['cookie', line])]
  const reading = readCredentials(rawHeaders, names)
  const foreign = createFindForeignFields(names)(rawHeaders).cookies
  if (reading.kind !== 'credentials') return looked(judgeReading(reading, lines, cookiePrefix, foreign))
  const { reading: answer } = await askAbout(look, reading.credentials)
  if (answer.kind === 'resolution' && answer.resolution.kind === 'valid') return looked()
  return looked(
    foreign === undefined
      ? found('cookie-refused', 'Authgear does not accept the pasted cookies as a session')
      : found('cookie-foreign', `in the pasted header: ${foreign}; Authgear does not accept it as a session`)
  )
}

/** @param foreign cookies that have a name of Authgear's and cannot be its own */
export function judgeReading (
  reading: CredentialsRead,
  lines: readonly string[],
  prefix: string,
  foreign?: string
): Finding {
  if (reading.kind === 'refused') return found('cookie-foreign', `in the pasted header: ${foreign ?? 'a cookie'}`)
  const others = prefixesIn(lines).filter((other) => other !== prefix)
  if (others.length === 0) {
    return found(
      'cookie-missing',
      `no ${prefix}session, ${prefix}app_session or ${prefix}app_access_token in the pasted header`
    )
  }
  return found(
    'cookie-prefix',
    `the pasted header has no ${prefix}session; its cookies could have the prefix ` +
      `${others.map((other) => (other === '' ? '(none)' : other)).join(', or ')}`
  )
}

/** The prefixes of names that end as Authgear's do. */
function prefixesIn (lines: readonly string[]): readonly string[] {
  const names = lines.flatMap((line) => line.split(';')).map((pair) => (pair.split('=')[0] ?? '').trim())
  return [
    ...new Set(
      names.flatMap((name) => /^([\w-]{0,40}?)(?:app_session|app_access_token|session)$/.exec(name)?.[1] ?? [])
    )
  ]
}

async function aboutToken (context: Context): Promise<Outcome> {
  const { pasted, look, config: { authgear }, clock } = context
  const token = pasted.trim().replace(/^authorization:\s*/i, '').replace(/^bearer\s+/i, '')
  const reading = readCredentials(['authorization', `Bearer ${token}`], cookieNames(''))
  if (reading.kind !== 'credentials') {
    return looked(
      found(
        'token-refused',
        'what was pasted cannot be an access token: it is empty, too long, or holds a comma or a control character'
      )
    )
  }
  const explained = await explainedByPart(token, context)
  if (explained !== undefined) return explained
  const { reading: answer } = await askAbout(look, reading.credentials)
  return answer.kind === 'resolution'
    ? looked(judgeToken(answer.resolution, token, authgear.endpoint, clock.wall()))
    : looked(found('token-refused', "Authgear's answer cannot be read"))
}

/** A token that a part judges is none of the resolver's. */
async function explainedByPart (token: string, context: Context): Promise<Outcome | undefined> {
  for (const part of context.config.parts) {
    const explained = await part.pasted(token, atOf(context))
    if (explained === undefined) continue
    const { findings, notes } = explained
    return { ...looked(...ofPart(findings)), ...notes === undefined ? {} : { notes } }
  }
  return undefined
}

export function judgeToken (
  resolution: Resolution,
  token: string,
  { origin }: Pick<Config['authgear']['endpoint'], 'origin'>,
  now: number
): Finding | undefined {
  const [expiry, audience] = [jwtExpiry(token), jwtAudience(token)]
  if (resolution.kind === 'invalid' && expiry !== undefined && expiry < now) {
    return found('token-expired', `the pasted token ended at ${new Date(expiry).toISOString()}`)
  }
  if (audience !== undefined && !audience.includes(origin)) {
    return judgeAudience(audience, jwtIssuer(token) === origin, origin)
  }
  if (resolution.kind === 'valid') return undefined
  if (expiry === undefined) return found('token-refused', 'Authgear does not accept the pasted token')
  return found('jwt-refused', `Authgear refuses the pasted token, although it is for ${origin} and in force`)
}

/** @param isOurs the project of AUTHGEAR_ENDPOINT issued the token */
function judgeAudience (audience: readonly string[], isOurs: boolean, origin: string): Finding {
  const resources = audience.filter(isResource)
  if (isOurs && resources.length > 0) {
    return found('token-for-resource', `the pasted token is for ${resources.join(', ')}, ${NOT_A_RESOURCE}`)
  }
  if (isOurs) return found('token-refused', 'the pasted token names no address as its audience, as an ID token does')
  const named = audience.filter(isOrigin).join(', ') || 'no origin'
  return found('jwt-audience', `the pasted token is for ${named}, and AUTHGEAR_ENDPOINT is ${origin}`)
}

/** Nothing else of a token is printed. */
const isResource = (text: string): boolean => /^https:\/\/[\w.:-]{1,260}(?:\/[\w./~-]{0,260})?$/.test(text)

function isOrigin (text: string): boolean {
  return /^https?:\/\/[\w.:[\]-]{1,260}$/.test(text)
}
