import type { Rule } from './rule.ts'

const BESIDE = ['LOGIN_PUBLIC_URL', 'LOGIN_PATH', 'LOGIN_ALLOWED_HOSTS', 'LOGIN_SECRET', 'LOGOUT_REDIRECT_URI'] as const

const loginIsWhole: Rule = ({ isSet }) => {
  if (!isSet('LOGIN_CLIENT_ID')) return BESIDE.map((name) => isSet(name) && `${name}: works only with LOGIN_CLIENT_ID: set that too, or leave this out`)
  return [
    !isSet('LOGIN_PUBLIC_URL') && 'LOGIN_PUBLIC_URL: is required with LOGIN_CLIENT_ID: the one origin on which the proxy routes LOGIN_PATH to this service, such as https://app.example.com',
    !isSet('LOGIN_SECRET') && 'LOGIN_SECRET: is required with LOGIN_CLIENT_ID: make one with `openssl rand -base64 32`, the same on all replicas'
  ]
}

/** What the variables of the login ask of each other. */
export const LOGIN_RULES: readonly Rule[] = [loginIsWhole]
