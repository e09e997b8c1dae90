import { createHash } from 'node:crypto'
import { type Accent, accentOf } from './colours.ts'

const DEFAULT: Readonly<Record<'light' | 'dark', Accent>> = {
  light: { mark: '#2f5fb3', on: '#ffffff', halo: '#e6edf8' },
  dark: { mark: '#8fb4f2', on: '#12151b', halo: '#263450' }
}

const accents = ({ mark, on, halo }: Accent): string => `--mark:${mark};--on:${on};--halo:${halo}`

/** @param colour `#rrggbb`: the operator's */
export function styleOf (colour?: string): string {
  const { light, dark } = colour === undefined
    ? DEFAULT
    : { light: accentOf(colour, 'light'), dark: accentOf(colour, 'dark') }
  return `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;${accents(light)}}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;${accents(dark)}}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{width:100%;max-width:30rem;padding:2.25rem 2rem 1.75rem;background:var(--paper);border:1px solid var(--edge);border-radius:.75rem;overflow-wrap:anywhere}
header{display:flex;align-items:center;gap:.625rem;margin-bottom:1.5rem;font-weight:600}
img{display:block;max-width:12rem;height:2rem;object-fit:contain}
svg{display:block;width:3rem;height:3rem;padding:.7rem;border-radius:50%;background:var(--halo);color:var(--mark);fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
h1{margin:1.25rem 0 .75rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
p{margin:.625rem 0}
b{font-weight:600}
.advice{color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.5rem;margin:1.375rem 0 .25rem}
a{padding:.55rem 1.15rem;border:1px solid transparent;border-radius:.5rem;color:var(--mark);font-weight:600;text-decoration:none}
a:hover{background:var(--halo)}
a:first-child:not(.quiet){background:var(--mark);color:var(--on)}
a:first-child:not(.quiet):hover{text-decoration:underline}
a:focus-visible{outline:3px solid var(--mark);outline-offset:3px}
footer{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.875rem}
code{font:1em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(max-width:26rem){main{padding:1.5rem 1.25rem 1.25rem}}
@media(forced-colors:active){svg,a{border:1px solid}}
`
}

/**
 * From this the browser sniffs no other type, loads nothing and tells nobody where the person was: this one style,
 * images that the page holds, no script, no frame, no form, no base.
 */
export function headersOf (style: string): readonly string[] {
  const hash = createHash('sha256').update(style).digest('base64')
  return Object.freeze([
    'content-type', 'text/html; charset=utf-8',
    'content-security-policy', `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; ` +
      'base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\'',
    'x-content-type-options', 'nosniff',
    'referrer-policy', 'no-referrer'
  ])
}
