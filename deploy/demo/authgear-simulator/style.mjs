// @ts-check

/** In the browser's tab; without one it asks for /favicon.ico, and the proxy asks about a stranger. */
export const ICON = '<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 8 8%22%3E' +
  '%3Ccircle cx=%224%22 cy=%224%22 r=%224%22 fill=%22%232f5fb3%22/%3E%3C/svg%3E">'

/** The look of the service's own pages (src/parts/pages/style.ts), for those of the demo. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f3f4f6; --paper: #fff; --edge: #d9dce2; --ink: #1b1f27; --soft: #535b69; --mark: #2f5fb3; --halo: #e6edf8 }
@media (prefers-color-scheme: dark) { :root { --ground: #12151b; --paper: #1b2029; --edge: #333b48; --ink: #eceff4; --soft: #aab3c1; --mark: #8fb4f2; --halo: #263450 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100% }
main { width: 100%; max-width: 30rem; min-width: 0; padding: 2.25rem 2rem 1.75rem; background: var(--paper); border: 1px solid var(--edge); border-radius: .75rem; overflow-wrap: anywhere }
main.wide { max-width: 46rem }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.125rem }
p { margin: .625rem 0 }
.soft, small { color: var(--soft) }
ul { list-style: none; margin: 1rem 0 0; padding: 0 }
a { color: var(--mark) }
button, a.button { font: inherit; display: block; width: 100%; text-align: left; text-decoration: none; padding: .55rem 1.15rem; margin: .5rem 0; border: 1px solid var(--edge); border-radius: .5rem; background: var(--paper); color: var(--ink); font-weight: 600; cursor: pointer }
a.button { display: inline-block; width: auto; border-color: var(--mark); color: var(--mark) }
button:hover:enabled, a.button:hover { background: var(--halo); border-color: var(--mark) }
button:disabled { cursor: not-allowed; color: var(--soft) }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
small { display: block; font-weight: 400 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: left; padding: .375rem .5rem; border-bottom: 1px solid var(--edge); vertical-align: top }
th, code, pre { font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
td { font-size: .875rem }
th { color: var(--soft); white-space: nowrap }
pre { overflow-x: auto; margin: .75rem 0; padding: .75rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--ground) }
@media (max-width: 30rem) { main { padding: 1.5rem 1.25rem 1.25rem } table, tbody, tr, th, td { display: block } th { border: 0; padding-bottom: 0; white-space: normal } }`
