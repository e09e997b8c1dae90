import type { PageMaker } from '../../base/http/pages.ts'
import type { Opened } from '../../base/parts/places.ts'
import { createLoginPages } from './login-page.ts'
import { createPages } from './refusal-page.ts'
import type { PageSettings } from './settings.ts'

export function openPages (settings: PageSettings) {
  return Object.freeze({
    pages: {
      refusals: (links) => createPages(settings, links),
      logins: (adviceOf) => createLoginPages(settings, adviceOf)
    } satisfies PageMaker,
    gauges: {}
  } satisfies Opened & Record<'gauges', object>)
}
