import fc from 'fast-check'
import t from 'tap'
import { basicTokenOf, isOfAPage, readPair } from '../../../../src/parts/tokens/basic/sent.ts'
import { holds } from '../../../helpers/property.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const clientId = fc.string({ minLength: 1, maxLength: 60 }).filter((text) => /^[\x21-\x39\x3b-\x7e]+$/.test(text))
const secret = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text))

t.test('a client id and a secret are read as they were written', async (t) => {
  await holds(t, fc.property(clientId, secret, (clientId, secret) => {
    const pair = readPair(base64(`${clientId}:${secret}`))
    return pair?.clientId === clientId && pair.secret === secret
  }))
})

t.test('no two spellings are one pair, and nothing throws', async (t) => {
  const encoded = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64'))
  const text = fc.oneof(fc.string(), fc.base64String(), encoded)
  await holds(t, fc.property(text, (text) => {
    const pair = readPair(text)
    return pair === undefined || base64(`${pair.clientId}:${pair.secret}`) === text
  }))
})

t.test('headers of any kind are read, and a page is one whatever stands beside it', async (t) => {
  const name = fc.constantFrom('Authorization', 'AUTHORIZATION', 'Origin', 'Cookie', 'Sec-Fetch-Mode', 'Sec-Fetch-Site')
  const value = fc.oneof(fc.string(), fc.constantFrom('Basic eDp5', 'navigate', 'same-origin', 'https://a.example'))
  await holds(t, fc.property(fc.array(fc.tuple(name, value)), (lines) => {
    const token = basicTokenOf(lines.flat())
    const isPage = isOfAPage([...lines.flat(), 'sec-fetch-site', 'cross-site'], 'https://a.example')
    return isPage && (token === undefined || !token.endsWith(' '))
  }))
})
