import t from 'tap'
import { found } from '../../../src/commands/doctor/catalogue.ts'
import { looked } from '../../../src/commands/doctor/check.ts'
import { asJson, textOf } from '../../../src/commands/doctor.ts'

t.test('another server\'s text cannot control the terminal that doctor prints to', async (t) => {
  const hostile = 'x\u001b[2J\u009b31m\r\n\u0007\u202e\u2066y'
  const result = { title: 'a check', outcome: looked(found('cookie-domain', hostile)) }
  const text = textOf(result)
  t.notMatch(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/) // eslint-disable-line no-control-regex -- that is what it looks for
  t.equal(text.split('\n').length, 4, 'and makes no lines of its own')
  const { findings } = JSON.parse(asJson({ endpoint: undefined, results: [result] }))
  t.equal(findings[0].what, hostile, 'a program gets it whole, escaped as JSON is')
})
