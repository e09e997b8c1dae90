import t from 'tap'
import { isOwnHost } from '../../../src/base/management/hosts.ts'

const OWN = [
  '127.0.0.1', '127.0.0.1:4181', '10.0.0.7', '[::1]', '[::1]:4181', '[fd00::7]:80', 'localhost', 'LOCALHOST:4181',
  'localhost.', 'app.localhost', 'replica-7.example.net', 'replica-7', 'status.example.com', 'Status.Example.com:443',
  'a.corp.example.com', 'a.b.corp.example.com'
]
const FOREIGN = [
  undefined, '', 'evil.example', 'evil.example:4181', 'localhost.evil.example', 'notlocalhost',
  '127.0.0.1.evil.example', '127.0.0.1.', '1', '0x7f.1', '[::1', '::1', '[evil]', '[127.0.0.1]', 'corp.example.com',
  'acorp.example.com', 'example.com', 'x.status.example.com', 'replica-7.evil.example', 'localhost:x',
  'evil.example:80:localhost', 'localhost/evil', 'evil@localhost',
  'evil.example#.corp.example.com', 'evil.example/.corp.example.com', 'evil.example?.corp.example.com',
  'evil.example .corp.example.com', 'evil.example\\.corp.example.com', 'evil@a.corp.example.com', 'a..corp.example.com'
]

t.test("accepts addresses, this machine's names and configured names, no other", async (t) => {
  const isOwn = (host: string | undefined): boolean =>
    isOwnHost(host, 'Replica-7.example.net', ['status.example.com', '*.corp.example.com'])
  for (const host of OWN) t.equal(isOwn(host), true, host)
  for (const host of FOREIGN) t.equal(isOwn(host), false, String(host))
  t.equal(isOwnHost('status.example.com', 'x', []), false)
})
