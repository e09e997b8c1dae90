import type { Variables } from '../../base/config/kind.ts'
import { brandColor, brandLogo, helpLink, shortText } from './kinds.ts'

export const variables = {
  BRAND_NAME: {
    as: 'brandName',
    kind: shortText(60),
    example: 'Acme',
    meaning: 'The name of your site or company, on every page for people (docs/pages.md).'
  },
  BRAND_LOGO_FILE: {
    as: 'brandLogo',
    kind: brandLogo,
    example: '/etc/forward-auth/logo.svg',
    meaning: "Your logo on these pages and in the browser's tab. Read at start."
  },
  BRAND_COLOR: {
    as: 'brandColor',
    kind: brandColor,
    example: '#0b6e4f',
    meaning: 'The colour of buttons and links on these pages, darkened or lightened where it would be hard to read.'
  },
  DENIED_TEXT: {
    as: 'deniedText',
    kind: shortText(500),
    example: 'This page is for the finance team. Ask Kim to add you.',
    meaning: 'Your text on the 403 page: what is missing, and whom to ask.'
  },
  SUPPORT_URL: {
    as: 'supportUrl',
    kind: helpLink,
    example: 'mailto:help@example.com',
    meaning: 'Where people get help. The pages link to it.'
  }
} as const satisfies Variables
