import t from 'tap'
import { bannerOf } from '../../../../src/commands/serve.ts'
import { configOf, errorsOf, load } from '../../../unit/config/helpers.ts'

t.test('its address is no other listener\'s', async (t) => {
  const errors = errorsOf(load({ LISTEN: '127.0.0.1:5000', LISTEN_GRPC: '0.0.0.0:5000' }))
  t.match(errors, [/^LISTEN_GRPC: is the same address as LISTEN/])
  t.equal(errors.length, 1)
})

t.test('the first line says where it listens', async (t) => {
  const { listeners } = bannerOf(configOf(load({ LISTEN_GRPC: '[::]:4183' })), '1.2.3')
  t.ok(listeners.endsWith(', gRPC [::]:4183'), listeners)
})
