import t from 'tap'
import { portsToAsk, USUAL_PORTS } from '../../../src/commands/doctor/checks/open-ports.ts'

t.test('the usual ports of a host are asked, and those of --ports, each once', async (t) => {
  const others = USUAL_PORTS.filter((port) => port !== 443)
  t.strictSame(portsToAsk('app.example.com', 443, [3000, 12345]), [...others, 12345])
})

t.test('on this machine only those of --ports are asked', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3']) {
    t.strictSame(portsToAsk(host, 8080, []), [])
    t.strictSame(portsToAsk(host, 8080, [8080, 3000, 3000]), [3000])
  }
})
