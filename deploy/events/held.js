const WINDOW = 5000 // ms, or CACHE_DEGRADED_TTL if that is longer: an event may be about a request on its way
export const held = new Set() // what is open: { session, user, client, close }
const recent = [] // events within WINDOW

export function hold (headers, close) {
  const session = headers['x-forward-auth-session'] ?? ''
  const one = { session, user: headers['x-authgear-user-id'], client: headers['x-authgear-client-id'], close }
  const left = (Number(headers['x-forward-auth-until']) || Infinity) * 1000 - Date.now()
  const timer = setTimeout(() => end(one, 'expired'), Math.min(left, 2 ** 31 - 1)) // 24 days: no timer takes more
  held.add(one)
  if (session === '' || recent.some((event) => isAbout(event, one))) end(one, 'revoked')
  return () => { clearTimeout(timer); held.delete(one) }
}

export function tell (event, why) {
  recent.push(event)
  setTimeout(() => recent.shift(), WINDOW)
  for (const one of held) if (isAbout(event, one)) end(one, why)
}

const isAbout = ({ kind, session, user, client }, one) => kind === 'everyone' ||
  (session !== undefined && one.session.split('.').includes(session)) ||
  (user !== undefined && user === one.user) || (client !== undefined && isClient(client, one.client))

function isClient (told, id) { // told: an id, https://host or https://*.host
  const url = told.startsWith('https://') && URL.canParse(id) ? new URL(id) : undefined
  return told === id || told === url?.origin || (told.startsWith('https://*.') && url?.host.endsWith(told.slice(9)))
}

async function end (one, why) {
  try { if (held.delete(one)) await one.close(why) } catch (error) { console.error('events: close:', error) }
}
