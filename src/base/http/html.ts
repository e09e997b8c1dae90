const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Text for an element's content or a quoted attribute. */
export function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

/** Drawings on a 24 × 24 grid. */
export const DRAWINGS = {
  person: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>',
  lock: '<rect x="5" y="11" width="14" height="10" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.2l3.2 1.8"/>'
} as const

/** The icon of a page in its tab: without one a browser asks the app for /favicon.ico, and the proxy asks us. */
export function tabIcon (colour = '#2f5fb3'): string {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 32 32"><rect x="-4" y="-4" width="32" height="32" ' +
    `rx="8" fill="${colour}"/><g fill="none" stroke="#fff" stroke-width="2.5" stroke-linecap="round">` +
    `${DRAWINGS.lock}</g></svg>`
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
}

type Opening = Readonly<{ language: string, style: string, icon: string }>

/** Up to the title: no search engine, light or dark as the person has it. */
export function openingOf ({ language, style, icon }: Opening): string {
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="${icon}">
<style>${style}</style>
<title>`
}

/**
 * The beginning of a page for operators, up to what its body holds.
 * @param more markup after the title
 */
export function headOf (title: string, style: string, more = ''): string {
  const opening = openingOf({ language: 'en', style, icon: tabIcon() })
  return `${opening}${escapeHtml(title)}</title>\n${more}</head>\n<body>\n`
}
