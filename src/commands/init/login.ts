import { parseEnv } from 'node:util'

/** The variable of the client's id, which turns the login on. */
export const CLIENT_ID = 'LOGIN_CLIENT_ID'

type Given = Readonly<{ client: string, origin: string }>

/** The variables of a login. @param there the text of the `.env` that is there @param secret a new one */
export function loginVariables ({ client, origin }: Given, there: string, secret: string): Record<string, string> {
  const { LOGIN_SECRET: known, LOGIN_SECRET_FILE: file } = parseEnv(there)
  return {
    LOGIN_SESSION: 'own',
    [CLIENT_ID]: client,
    LOGIN_PUBLIC_URL: origin,
    ...file ? {} : { LOGIN_SECRET: known || secret }
  }
}
