import { createHash } from 'node:crypto'

/** test/parts/status/e2e/status-page.all.test.ts computes the contrasts. Nothing moves. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f3f4f6;--paper:#fff;--edge:#d9dce2;--ink:#1b1f27;--soft:#535b69;--mark:#2f5fb3;--good:#1b6e3c;--bad:#a3261b;--warn:#7a4b00}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--edge:#333b48;--ink:#eceff4;--soft:#aab3c1;--mark:#8fb4f2;--good:#7fd49c;--bad:#ff9a8f;--warn:#f0c060}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
header,main,footer{max-width:90rem;margin:0 auto}
h1{margin:.5rem 0 .25rem;font-size:1.125rem}
h2{margin:0 0 .5rem;font-size:1rem}
p{margin:.25rem 0}
.soft,footer{color:var(--soft)}
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
dl,.tiles,.parts{display:flex;flex-wrap:wrap;gap:.75rem}
dl{margin:1rem 0}
dl div{flex:1 1 8.5rem}
dl div,section,.tiles li{background:var(--paper);border:1px solid var(--edge);border-radius:.5rem;padding:.75rem;min-width:0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.parts section{flex:1 1 20rem}
.parts :is(.figures,.list){flex-basis:100%}
.tiles{margin:.75rem 0;font-size:1rem}
.tiles li{display:block;flex:1 1 10rem}
.tiles span{color:var(--soft);font-size:.875rem}
.tiles data{display:block;font-size:1.5rem;line-height:1.25}
.spark{display:flex;gap:.5rem;margin-top:.25rem}
.spark span{flex:none;font-size:.75rem;line-height:1.5}
.spark svg{flex:1;min-width:0;height:2.25rem;fill:none;stroke:var(--mark);stroke-width:2}
polyline{vector-effect:non-scaling-stroke}
.charted .tiles{display:none}
.charts{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin:.75rem 0}
.charts[hidden]{display:none}
.chart{margin:0;padding:.5rem .75rem;min-width:0;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem}
.chart figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .5rem;color:var(--soft);font-size:.875rem}
.chart b{color:var(--ink);font-size:1.5rem;line-height:1.25}
.chart .says{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.plot{height:9rem;overflow:hidden}
.uplot .u-cursor-x{border-color:var(--soft)}
form{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .75rem;margin:.5rem 0;font-size:.875rem}
input,select{font:inherit;color:var(--ink);background:var(--ground);border:1px solid var(--soft);border-radius:.5rem;padding:.25rem .5rem;min-height:2rem;max-width:100%}
#said{overflow-wrap:anywhere}
ul{list-style:none;margin:.5rem 0 0;padding:0;font-size:.875rem}
li{display:flex;align-items:center;gap:.5rem}
li span{flex:1;min-width:0}
.also li{display:block}
.replicas{display:flex;flex-wrap:wrap;gap:.25rem .75rem;margin:0;overflow-wrap:anywhere}
.replicas li{display:block;min-width:0}
data{font-variant-numeric:tabular-nums;font-weight:600}
.table{overflow-x:auto;font-size:.8125rem}
table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums}
th,td{padding:.125rem .1875rem;text-align:right;white-space:nowrap;border-top:1px solid var(--edge)}
th{font-weight:400}
th:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
[scope=rowgroup]{padding-top:.5rem;border-top:0;font-weight:600}
.figures p,.parts .soft{font-size:.8125rem}
.figures [scope=row]{max-width:12rem;white-space:normal;overflow-wrap:anywhere}
.list table{width:100%}
.list :is(th,td){text-align:left;vertical-align:top;padding:.25rem .5rem}
.list tbody th{min-width:9rem;white-space:normal;overflow-wrap:anywhere}
main.runbook{max-width:72rem}
.runbook h2{margin-top:2rem;scroll-margin-top:1rem}
.runbook :is(h2,h3):target{border-left:.5rem solid var(--mark);padding-left:.5rem}
.runbook :is(ol,ul){list-style:revert;padding-left:1.5rem}
.runbook li{display:list-item}
.runbook{overflow-wrap:anywhere}
.runbook pre{overflow-x:auto}
.runbook table{font-size:1rem;margin:.75rem 0}
.runbook :is(th,td){position:static;background:none;padding:.125rem .5rem;text-align:left;white-space:normal;vertical-align:top}
@media(min-width:46rem){.figures table{width:100%}.figures [scope=row]{width:12rem}}
@media(max-width:46rem){.tiles li{flex-basis:40%}}
@media(max-width:30rem){
.runbook thead{display:none}
.runbook :is(table,tbody,tr,td){display:block}
.runbook tr{margin:.5rem 0;padding:.375rem .5rem;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem}
.runbook td{border:0;padding:.125rem 0;overflow-wrap:anywhere}
.runbook td::before{content:attr(data-head)": ";color:var(--soft)}
body{padding:.5rem;font-size:.875rem;line-height:1.35}
.tiles{gap:.25rem;margin:.375rem 0}
.tiles li{padding:.25rem .5rem}
.tiles span{font-size:.75rem}
.tiles data{font-size:1.125rem}
.spark svg{height:1.75rem}
.charts{gap:.25rem;margin:.375rem 0}
.chart{padding:.25rem .375rem}
.chart figcaption{font-size:.75rem}
.chart b{font-size:1.125rem}
.chart :is(b,.says){flex-basis:100%}
.chart .says:empty{display:none}
.plot{height:5rem}
.verdict{padding:.25rem .5rem}
h2{font-size:.875rem;margin-bottom:.125rem}
dl{display:block;columns:2;column-gap:.75rem;margin:.5rem 0;padding:.375rem .5rem;background:var(--paper);border:1px solid var(--edge);border-radius:.5rem}
dl div{border:0;padding:.0625rem 0;break-inside:avoid;font-size:.8125rem}
dt,dd{display:inline;font-size:.8125rem}
dt::after{content:": "}
.parts{gap:.25rem}
section{padding:.25rem .5rem}
header p,footer p{font-size:.8125rem}
header .verdict{font-size:1rem}
h1{display:inline-block;margin:.375rem .75rem .25rem 0}
.again{display:inline-block;margin:0}
button{padding:0 .5rem;min-height:1.75rem}
.also{font-size:.8125rem}
section ul{margin-top:.125rem;font-size:.75rem;line-height:1.25}
.table{font-size:.75rem;line-height:1.2}
}
`

const hash = createHash('sha256').update(STYLE).digest('base64')

/** This one style, that of the charts, the empty icon, and our scripts, which ask this page again; nothing else. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; img-src data:; style-src 'self' 'sha256-${hash}'; ` +
  'script-src \'self\'; connect-src \'self\'; base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\''
