import type { PageMaker } from '../../base/http/pages.ts'
import type { Given } from '../../base/parts/given.ts'
import { accountPagesOf } from './account.ts'
import { createLoginPages } from './login-page.ts'
import { createPages } from './refusal-page.ts'
import type { PageSettings } from './settings.ts'

export function openPages (settings: PageSettings, { authgear: { issuer } }: Pick<Given, 'authgear'>) {
  const account = accountPagesOf(issuer)
  return Object.freeze({
    pages: {
      refusals: (links) => createPages(settings, links, account),
      logins: (adviceOf) => createLoginPages(settings, adviceOf, account)
    } satisfies PageMaker,
    gauges: {}
  })
}
