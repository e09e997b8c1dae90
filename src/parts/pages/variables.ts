import type { Variables } from '../../base/config/kind.ts'
import { brandColor, brandLogo, helpLink, shortText } from './kinds.ts'

export const variables = {
  BRAND_NAME: {
    as: 'brandName',
    kind: shortText(60),
    example: 'Acme',
    meaning: 'The name of your site or company, on each page that this service shows to people (docs/pages.md).'
  },
  BRAND_LOGO_FILE: {
    as: 'brandLogo',
    kind: brandLogo,
    example: '/etc/forward-auth/logo.svg',
    meaning: 'Your logo on these pages and in the browser\'s tab; each page holds it. Read once, at start.'
  },
  BRAND_COLOR: {
    as: 'brandColor',
    kind: brandColor,
    example: '#0b6e4f',
    meaning:
      'The colour of buttons and links on these pages. Where it would not be legible it is made darker for light ' +
        'pages, and lighter for dark ones.'
  },
  DENIED_TEXT: {
    as: 'deniedText',
    kind: shortText(500),
    example: 'This page is for the finance team. Ask Kim to add you.',
    meaning: 'What the page of a 403 says in your words: what is missing, and whom to ask.'
  },
  SUPPORT_URL: {
    as: 'supportUrl',
    kind: helpLink,
    example: 'mailto:help@example.com',
    meaning: 'Where people get help: the pages link to it.'
  }
} as const satisfies Variables
