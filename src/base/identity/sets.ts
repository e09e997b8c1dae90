import type { IdentitySet } from '../core/presentation.ts'
import { PROFILE_FIELDS, type ProfileField } from './profile.ts'

/** Fields of a header: IDENTITY_USER chooses `user`; `user_id` and `roles` come from the resolver. */
export const IDENTITY_FIELDS = ['user', 'user_id', 'roles', ...PROFILE_FIELDS] as const
export type IdentityField = typeof IDENTITY_FIELDS[number]
/** IDENTITY_USER */
export type UserField = 'user_id' | Extract<ProfileField, 'username' | 'email'>

/** One name that goes out, as it is written, and what it holds. */
export type IdentityHeader = Readonly<{ name: string, field: IdentityField }>

/** As Authelia and Traefik's users, oauth2-proxy, and Grafana and Gitea name them. */
export const SETS: Readonly<Record<IdentitySet, readonly IdentityHeader[]>> = {
  remote: [
    { name: 'Remote-User', field: 'user' },
    { name: 'Remote-Email', field: 'email' },
    { name: 'Remote-Name', field: 'name' },
    { name: 'Remote-Groups', field: 'groups' }
  ],
  forwarded: [
    { name: 'X-Forwarded-User', field: 'user' },
    { name: 'X-Forwarded-Email', field: 'email' },
    { name: 'X-Forwarded-Preferred-Username', field: 'username' },
    { name: 'X-Forwarded-Groups', field: 'groups' }
  ],
  webauth: [
    { name: 'X-WEBAUTH-USER', field: 'user' },
    { name: 'X-WEBAUTH-EMAIL', field: 'email' },
    { name: 'X-WEBAUTH-NAME', field: 'name' },
    { name: 'X-WEBAUTH-FULLNAME', field: 'name' },
    { name: 'X-WEBAUTH-GROUPS', field: 'groups' }
  ]
}

/** IDENTITY_HEADERS: what a route gets that names no set, and every name that goes out on each 200. */
export type IdentityHeaders = Readonly<{ usual: readonly IdentityHeader[], all: readonly IdentityHeader[] }>

export const NO_HEADERS: IdentityHeaders = Object.freeze({ usual: [], all: [] })
