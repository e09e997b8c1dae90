import { escapeHtml } from './escape.ts'

/** The beginning of every page, up to what its body holds: no search engine, light or dark as the person has it. @param more markup after the style */
export function headOf (title: string, style: string, more = ''): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
${more}</head>
<body>
`
}
