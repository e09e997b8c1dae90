/** The variable of the client's id, which turns the login on. */
export const CLIENT_ID = 'LOGIN_CLIENT_ID'
const PUBLIC_URL = 'LOGIN_PUBLIC_URL'

type Given = Readonly<{ client: string, origin: string }>
type Env = Readonly<Record<string, string | undefined>>

/** The variables of a login. @param there those of the `.env` that is there @param secret a new one */
export function loginVariables ({ client, origin }: Given, there: Env, secret: string): Record<string, string> {
  const { LOGIN_SESSION: session, LOGIN_SECRET: known, LOGIN_SECRET_FILE: file } = there
  return {
    LOGIN_SESSION: session || 'own',
    [CLIENT_ID]: client,
    [PUBLIC_URL]: withOrigin(there, origin),
    ...file ? {} : { LOGIN_SECRET: known || secret }
  }
}

/** The origins of LOGIN_PUBLIC_URL. */
export const originsIn = ({ [PUBLIC_URL]: text = '' }: Env): readonly string[] =>
  text.split(',').map((origin) => origin.trim().replace(/\/$/, '')).filter((origin) => origin !== '')

const withOrigin = (there: Env, origin: string): string =>
  originsIn(there).includes(origin) ? there[PUBLIC_URL] ?? '' : [...originsIn(there), origin].join()
