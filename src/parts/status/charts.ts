import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** uPlot's (https://github.com/leeoniya/uPlot), read from its package when the first viewer asks. */
export const chartStyle = (): string => readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8')
export const chartScript = (): string => readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8') + CHARTS

/** The place of the charts: outside of the parts that are replaced, so that a pointer keeps its place. */
export const CHARTS_PART =
  '<div class="charts" id="charts" role="group" aria-label="Charts of the last 15 minutes" hidden></div>'

/**
 * Draws what the page says in its part `course`. Arrow keys move the cursor of a focused chart. Without it the page has
 * its sparks.
 */
const CHARTS = `
{
  const part = document.getElementById('charts')
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)
  const read = () => JSON.parse(document.querySelector('[data-part=course]').textContent)
  const short = (value) => String(value < 100 ? Number(value.toPrecision(2)) : Math.round(value))
  const TEXTS = {
    rate: (value) => short(value) + '/s',
    share: (value) => short(value * 100) + ' %',
    seconds: (value) => {
      if (value < 0.001) return short(value * 1e6) + ' µs'
      return value < 1 ? short(value * 1e3) + ' ms' : short(value) + ' s'
    }
  }
  const two = (number) => String(number).padStart(2, '0')
  const timeOf = (at) => new Date(at * 1000)
  const minute = (at) => two(timeOf(at).getHours()) + ':' + two(timeOf(at).getMinutes())
  const second = (at) => minute(at) + ':' + two(timeOf(at).getSeconds())
  let course = read()

  function make (tag, name, text = '') {
    const one = document.createElement(tag)
    one.className = name
    one.textContent = text
    return one
  }

  const axis = (more) => ({
    stroke: () => colour('--soft'), grid: { stroke: () => colour('--edge'), width: 1 }, ticks: { show: false },
    font: '11px system-ui, sans-serif', ...more
  })

  function saysAt (index, text, values) {
    const at = course.at[index]
    if (at === undefined) return ''
    return second(at) + ': ' + (values[index] === null ? 'no data' : text(values[index]))
  }

  function chart ({ name, scale, now, values }) {
    const text = (value) => value === 0 ? '0' : TEXTS[scale](value)
    const [figure, caption, latest, says, plot] = [
      make('figure', 'chart'), make('figcaption', '', name), make('b', '', now), make('span', 'says'),
      make('div', 'plot')
    ]
    caption.append(' ', latest, ' ', says)
    figure.append(caption, plot)
    figure.tabIndex = 0
    part.append(figure)
    const size = () => ({ width: plot.clientWidth, height: plot.clientHeight })
    const one = new uPlot({
      ...size(),
      padding: [6, 18, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: 'course' }, drag: { x: false, y: false } },
      scales: { y: { range: (_chart, _least, most) => [0, scale === 'share' ? 1.04 : (most || 1) * 1.1] } },
      axes: [
        axis({ values: (_chart, all) => all.map(minute), incrs: [60, 120, 180, 300, 600], space: 48, size: 24 }),
        axis({ values: (_chart, all) => all.map(text), size: 46, space: 24 })
      ],
      series: [{}, {
        stroke: () => colour('--mark'), fill: () => colour('--mark') + '22', width: 2,
        points: { show: () => course.at.length === 1 }
      }],
      hooks: {
        setCursor: [({ cursor }) => { says.textContent = saysAt(cursor.idx, text, values) }]
      }
    }, [course.at, values], plot)
    new ResizeObserver(() => one.setSize(size())).observe(plot)
    figure.addEventListener('focus', () => { says.ariaLive = 'polite' })
    figure.addEventListener('blur', () => { says.ariaLive = 'off'; one.setCursor({ left: -10, top: -10 }) })
    figure.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (step === undefined) return
      event.preventDefault()
      const last = course.at.length - 1
      const index = Math.min(last, Math.max(0, (one.cursor.idx ?? last + 1) + step))
      one.setCursor({ left: one.valToPos(course.at[index], 'x'), top: 1 })
    })
    return (fresh) => {
      latest.textContent = fresh.now
      values = fresh.values
      one.setData([course.at, values])
    }
  }

  part.hidden = false
  document.documentElement.classList.add('charted')
  const charts = course.series.map(chart)
  const draw = () => { charts.forEach((show, index) => show(course.series[index])) }
  document.addEventListener('fresh', () => { course = read(); draw() })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
}
`
