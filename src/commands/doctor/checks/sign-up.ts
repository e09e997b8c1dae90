import { found } from '../catalogue.ts'
import { looked, type Probe, skipped } from '../check.ts'
import { askPage } from '../page.ts'

/** Authgear sends a stranger from its sign-up page to its login page where public sign-up is off. */
export const signUp: Probe = {
  title: 'Nobody can register at Authgear without you',
  needs: 'authgear',
  async run ({ config: { authgear: { endpoint, ca }, parts } }) {
    const isSaid = parts.some(({ claims }) => claims.saysWhoEnters === true)
    if (isSaid) return skipped('the configuration says who may enter')
    const address = `${endpoint.origin}/signup`
    const page = await askPage(address, { headers: {} }, ca)
    if ('code' in page) return skipped(`${address} does not answer (${page.code})`)
    if (page.status === 200) return looked(found('public-sign-up', `${address} offers an account to everybody`))
    const leadsToLogin = URL.parse(page.location ?? '', address)?.pathname === '/login'
    return leadsToLogin ? looked() : skipped(`${address} answers ${page.status}`)
  }
}
