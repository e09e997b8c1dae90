import { createHash } from 'node:crypto'

/** What of the style has to be legible; test/unit/pages computes the contrasts. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;--mark:#2f5fb3;--halo:#e6edf8}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;--mark:#8fb4f2;--halo:#263450}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main{width:100%;max-width:30rem;padding:2.25rem 2rem 1.75rem;background:var(--paper);border:1px solid var(--edge);border-radius:.75rem;overflow-wrap:anywhere}
svg{display:block;width:3rem;height:3rem;padding:.7rem;border-radius:50%;background:var(--halo);color:var(--mark);fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
h1{margin:1.25rem 0 .75rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
p{margin:.625rem 0}
.advice{color:var(--soft)}
a{display:inline-block;margin:1rem 0 .25rem;padding:.55rem 1.15rem;border:1px solid var(--mark);border-radius:.5rem;color:var(--mark);font-weight:600;text-decoration:none}
a:hover{background:var(--halo)}
a:focus-visible{outline:3px solid var(--mark);outline-offset:3px}
footer{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--edge);color:var(--soft);font-size:.875rem}
code{font:1em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(max-width:26rem){main{padding:1.5rem 1.25rem 1.25rem}}
@media(forced-colors:active){svg{border:1px solid}}
`

const hash = createHash('sha256').update(STYLE).digest('base64')

/** This one style and nothing else: no script, no image, no frame, no form, no base. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
