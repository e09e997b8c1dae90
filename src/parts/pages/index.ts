import { definePart } from '../../base/parts/part.ts'
import { variables } from './variables.ts'

/** HTML in nine languages for people who are refused or sign in (docs/pages.md). It is on wherever it is listed. */
export const pages = definePart({
  name: 'pages',
  title: 'Pages',
  variables,
  example: { BRAND_NAME: 'Acme' },
  configure: (settings) => settings,
  metrics: () => ({}),
  load: async () => (await import('./open.ts')).openPages
})
