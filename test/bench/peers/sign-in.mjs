// A session of oauth2-proxy, as a browser gets one.

/** @returns the line of the cookies that it set */
export async function sessionOf (origin) {
  const start = await follow(`${origin}/oauth2/start?rd=/`)
  const login = await follow(start.headers.get('location'))
  const back = await follow(login.headers.get('location'), cookiesOf(start))
  const cookies = back.headers.getSetCookie().filter((line) => line.startsWith('_oauth2_proxy='))
  if (cookies.length === 0) throw new Error(`oauth2-proxy signed nobody in: ${back.status}`)
  return `Cookie: ${cookies.map(pairOf).join('; ')}`
}

const follow = (url, cookie = '') => fetch(url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } })
const pairOf = (line) => line.split(';', 1)[0]
const cookiesOf = ({ headers }) => headers.getSetCookie().map(pairOf).join('; ')
