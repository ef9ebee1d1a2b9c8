// Makes each call of @segment/analytics-node once, or, with COUNT, so many tracks.
import { Analytics } from '@segment/analytics-node'

const { BASE, WRITE_KEY, COUNT, FLUSH_AT } = process.env
const at = new Date('2026-11-29T10:00:00.000Z')
const analytics = new Analytics({ writeKey: WRITE_KEY, host: BASE, flushAt: Number(FLUSH_AT ?? 15), flushInterval: 500, maxRetries: 5 })
const failed = []
analytics.on('error', (err) => failed.push(String(err.code ?? err)))

if (COUNT) {
  for (let i = 0; i < Number(COUNT); i++) {
    analytics.track({ userId: 'u' + i, event: 'Product Viewed', properties: { product_id: 'SKU-' + i } })
  }
} else {
  const context = { ip: '203.0.113.7', locale: 'de-DE', consent: { categoryPreferences: { Analytics: true, Personalization: true, Training: true, Functional: true } } }
  analytics.identify({ userId: 'u1', anonymousId: 'a1', timestamp: at, context, traits: { email: 'ada@shop.example', birthday: '1990-05-17', firstName: 'Ada', address: { city: 'Bremen', country: 'DE', street: 'Am Wall 1' } } })
  analytics.track({ userId: 'u1', timestamp: at, context, event: 'Product Viewed', properties: { product_id: 'SKU-1', name: 'Linen shirt', price: 49.95, currency: 'EUR', size: 'M', secret_note: 'x' } })
  analytics.track({ anonymousId: 'a1', timestamp: at, context, event: 'Products Searched', properties: { query: 'shirt for ada@shop.example' } })
  analytics.track({ userId: 'u1', timestamp: at, context, event: 'Order Completed', properties: { order_id: 'O-1', total: '99.90', currency: 'EUR', products: [{ product_id: 'SKU-1', quantity: 2, price: 49.95 }] } })
  analytics.page({ userId: 'u1', timestamp: at, context, category: 'Shop', name: 'Start', properties: { url: 'https://shop.example/start?email=ada@shop.example', title: 'Start' } })
  analytics.screen({ userId: 'u1', timestamp: at, context, name: 'Basket', properties: {} })
  analytics.group({ userId: 'u1', timestamp: at, context, groupId: 'g1', traits: { name: 'Friends' } })
  analytics.alias({ userId: 'u1', previousId: 'old-u1', timestamp: at, context })
}
await analytics.closeAndFlush({ timeout: 30000 })
console.log(JSON.stringify({ failed }))
