// @ts-check
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

// Makes the stack's secrets, once: they stay in their volumes and are nowhere else. Each file belongs to the one user
// that reads it.

const SERVICE = 65532 // the image's user
const REDIS = 999 // that of Redis' and Valkey's images

// all that the service needs, no more: docs/docker.md. Everybody may PING, for the health check
const RIGHTS =
  '~forward-auth:* resetchannels -@all +get +set +pttl +del +eval +xread +xrange +xrevrange +xadd +xlen +xtrim +hget ' +
    '+hset +hmget +role +time +wait +info'

/** @param {string} file @param {number} owner @param {string} text */
function put (file, owner, text) {
  writeFileSync(file, text)
  chmodSync(file, 0o400)
  chownSync(file, owner, owner)
}

/** What is there is kept: another secret is a cold cache. @param {string} file */
function secret (file) {
  if (!existsSync(file)) put(file, SERVICE, randomBytes(32).toString('base64url'))
  return readFileSync(file, 'utf8')
}

/**
 * With ROTATE_SECRETS, once: what is there is the previous one, and a new one takes its place. Without it the previous
 * one is gone; with KEEP_PREVIOUS it stays for the replicas that read it (roll.sh). @param {string} file
 */
function rotated (file) {
  const previous = `${file}_previous`
  const { ROTATE_SECRETS: rotate, KEEP_PREVIOUS: keep } = process.env
  if (!rotate && !keep) rmSync(previous, { force: true })
  if (rotate && !existsSync(previous)) {
    secret(file)
    renameSync(file, previous)
  }
  secret(file)
}

// for an app and its database (deploy/apps): both read it, as users of their images, and no one else mounts that volume
if (process.argv.length > 2) {
  for (const name of process.argv.slice(2)) {
    secret(`/secrets/${name}`)
    chmodSync(`/secrets/${name}`, 0o444)
  }
  process.exit()
}

rotated('/secrets/cache_secret')
rotated('/secrets/login_secret')
const digest = createHash('sha256').update(secret('/secrets/redis_password')).digest('hex')
put(
  '/redis-acl/users.acl',
  REDIS,
  `user default on nopass resetkeys resetchannels -@all +ping\nuser forward-auth on #${digest} resetkeys ${RIGHTS}\n`
)

// `cert` writes into these
for (const folder of ['/tls', '/ca', '/proxy-tls']) chownSync(folder, SERVICE, SERVICE)
