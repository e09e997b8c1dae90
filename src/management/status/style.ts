import { createHash } from 'node:crypto'

/**
 * Lines differ by dashes too, not by colour alone. test/e2e/status-page.test.ts computes the contrasts. Nothing moves.
 */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;--mark:#2f5fb3;--good:#1b6e3c;--bad:#a3261b;--warn:#7a4b00;--l0:#1f5fbf;--l1:#a34a00;--l2:#7a2d9c;--l3:#b3202c;--l4:#4d5566;--l5:#0d6e6e;--l6:#6b5600}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;--mark:#8fb4f2;--good:#7fd49c;--bad:#ff9a8f;--warn:#f0c060;--l0:#8fb4f2;--l1:#f0a765;--l2:#d3a4ee;--l3:#ff9a9f;--l4:#aab3c1;--l5:#74d0d0;--l6:#e0cf6b}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main,footer{max-width:72rem;margin:0 auto}
h1{margin:.5rem 0 .25rem;font-size:1.125rem}
h2{margin:0 0 .5rem;font-size:1rem}
p{margin:.25rem 0}
.soft,footer,summary{color:var(--soft)}
.good{color:var(--good)}
.quiet{color:var(--soft)}
.bad{color:var(--bad);font-weight:600}
.warn{color:var(--warn);font-weight:600}
.verdict{margin:0;padding:.5rem .75rem;background:var(--paper);border:1px solid;border-left-width:.5rem;border-radius:.5rem;font-size:1.25rem;line-height:1.35;font-weight:600}
.verdict a,.also a{color:inherit}
.note{padding:.5rem .75rem;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem;overflow-wrap:anywhere}
button{font:inherit;color:var(--mark);background:var(--paper);border:1px solid var(--mark);border-radius:.5rem;padding:.25rem .75rem;min-height:2rem}
a{color:var(--mark)}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0}
dl div,section{background:var(--paper);border:1px solid var(--edge);border-radius:.5rem;padding:.75rem;min-width:0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));grid-auto-flow:dense;gap:.75rem}
svg{display:block;width:100%;height:4.5rem;fill:none;stroke-width:1.75}
svg path{vector-effect:non-scaling-stroke}
rect{pointer-events:all}
rect:hover{fill:var(--edge);fill-opacity:.5}
.up,.up:hover{fill:var(--good);fill-opacity:1}
.down,.down:hover{fill:var(--bad);fill-opacity:1}
.grid{stroke:var(--edge);stroke-width:1}
.l0{stroke:var(--l0)}.l1{stroke:var(--l1);stroke-dasharray:6 3}.l2{stroke:var(--l2);stroke-dasharray:2 2}.l3{stroke:var(--l3);stroke-dasharray:9 3 2 3}.l4{stroke:var(--l4);stroke-dasharray:1 3}.l5{stroke:var(--l5);stroke-dasharray:12 4}.l6{stroke:var(--l6);stroke-dasharray:5 2 1 2}
.axis{display:flex;justify-content:space-between;gap:.5rem;font-size:.8125rem;color:var(--soft)}
ul{list-style:none;margin:.5rem 0 0;padding:0;font-size:.875rem}
li{display:flex;align-items:center;gap:.5rem}
li svg{width:1.75rem;height:.75rem;flex:none}
li span{flex:1;min-width:0}
.also li{display:block}
.fleet{display:flex;flex-wrap:wrap;gap:.25rem .75rem;margin:0;overflow-wrap:anywhere}
.fleet li{display:block;min-width:0}
.states svg{flex:2;width:auto}
.states data{width:2rem;text-align:right}
data{font-variant-numeric:tabular-nums;font-weight:600}
summary{margin-top:.5rem;font-size:.875rem;cursor:pointer;min-height:1.5rem}
.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.8125rem;font-variant-numeric:tabular-nums}
th,td{padding:.125rem .5rem;text-align:right;white-space:nowrap;border-top:1px solid var(--edge)}
th:first-child{text-align:left}
.runbook h2{margin-top:2rem;scroll-margin-top:1rem}
.runbook :is(h2,h3):target{border-left:.5rem solid var(--mark);padding-left:.5rem}
.runbook table{display:block;overflow-x:auto;font-size:1rem}
.runbook :is(th,td){text-align:left;white-space:normal;vertical-align:top}
@media(max-width:30rem){
body{padding:.5rem;font-size:.875rem;line-height:1.35}
.verdict{padding:.25rem .5rem}
h2{font-size:.875rem;margin-bottom:.125rem}
dl{display:block;columns:2;column-gap:.75rem;margin:.5rem 0;padding:.375rem .5rem;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem}
dl div{border:0;padding:.0625rem 0;break-inside:avoid;font-size:.8125rem}
dt,dd{display:inline;font-size:.8125rem}
dt::after{content:": "}
.charts{grid-template-columns:1fr 1fr;gap:.25rem}
.charts section{grid-column:span 2;padding:.25rem .5rem}
.charts .narrow{grid-column:span 1}
.narrow h2,header p,footer p{font-size:.8125rem}
header .verdict{font-size:1rem}
section svg{height:2rem}
h1{display:inline-block;margin:.375rem .75rem .25rem 0}
.again{display:inline-block;margin:0}
button{padding:0 .5rem;min-height:1.75rem}
.also{font-size:.8125rem}
.axis,section ul{font-size:.75rem}
section ul{margin-top:.125rem;line-height:1.25}
.wide ul[data-part$=key],[data-part=refused] ul{columns:2;column-gap:.75rem}
.wide li{break-inside:avoid}
section li svg{width:1.25rem;height:.75rem}
.states li svg{width:auto}
.narrow .axis span:not(:nth-child(2)){display:none}
section summary{margin-top:0;font-size:.75rem}
.wide{position:relative}
.wide summary{position:absolute;top:.25rem;right:.5rem}
}
@media(forced-colors:active){svg path{stroke:CanvasText}.up,.down{fill:CanvasText}}
`

const hash = createHash('sha256').update(STYLE).digest('base64')

/** This one style, the empty icon, and our script, which asks this page again; nothing else, from nowhere else. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; script-src 'self'; ` +
  'connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\''
