import t from 'tap'
import { makeSm2KeyPair, signSm2, sm2PublicPoint, verifySm2 } from '../../../src/sandbox/sm2.ts'

/** GB/T 32918.5, annex A: the standard's own example on the recommended curve. */
const d = 0x3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8n
const publicPoint =
  '0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13'
const r = 'f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3'
const s = 'b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa'

await t.test("the standard's example signature verifies, raw, and no other message does", async (t) => {
  const point = sm2PublicPoint(d)
  t.equal(point.toString('hex'), publicPoint)
  t.ok(verifySm2(Buffer.from('message digest'), Buffer.from(r + s, 'hex'), point))
  t.notOk(verifySm2(Buffer.from('message digesT'), Buffer.from(r + s, 'hex'), point))
})

await t.test('what is signed verifies as DER; bytes behind it, zeros and strangers do not', async (t) => {
  const key = makeSm2KeyPair()
  const message = Buffer.from('some words')
  const signature = signSm2(message, key)
  t.ok(verifySm2(message, signature, key.publicPoint))
  t.notOk(verifySm2(message, Buffer.concat([signature, Buffer.alloc(1)]), key.publicPoint))
  t.notOk(verifySm2(message, Buffer.alloc(64), key.publicPoint))
  t.notOk(verifySm2(message, signature, makeSm2KeyPair().publicPoint))
})
