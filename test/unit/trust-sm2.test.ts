import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { readDer, readInteger } from '../../src/trust/der.ts'
import { writeDer, writeInteger, writeSequence } from '../../src/trust/der-write.ts'
import { isSm2PublicKey, makeSm2Key, signSm2, sm2PublicKey, verifySm2 } from '../../src/trust/sm2.ts'
import { openSm2Pool } from '../../src/trust/sm2-pool.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const order = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n

// GB/T 32918.5-2017, annex A.2: the recommended curve, ID 1234567812345678.
const example = {
  privateKey: hex('3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8'),
  publicKey: hex(
    '04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020 CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13',
  ),
  message: Buffer.from('message digest'),
  nonce: 0x59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21n,
  r: hex('F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3'),
  s: hex('B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA'),
}
const raw = Buffer.concat([example.r, example.s])

await t.test("the standard's example is signed and verified bit for bit", async (t) => {
  t.strictSame(sm2PublicKey(example.privateKey), example.publicKey)
  const signature = signSm2(example.privateKey, example.message, { format: 'raw', nonce: () => example.nonce })
  t.equal(signature.toString('hex'), raw.toString('hex'))
  t.ok(verifySm2(example.publicKey, example.message, raw))
  t.ok(verifySm2(example.publicKey, example.message, raw), 'and again, with tables')
  t.ok(verifySm2(example.publicKey, example.message, derOf(raw)))
})

await t.test('another message, key or ID does not verify', async (t) => {
  t.notOk(verifySm2(example.publicKey, Buffer.from('message digesT'), raw))
  t.notOk(verifySm2(sm2PublicKey(makeSm2Key()), example.message, raw))
  t.notOk(verifySm2(example.publicKey, example.message, raw, ''), 'the empty ID that built-in verifiers use')
  t.notOk(verifySm2(example.publicKey, example.message, raw, 'ALICE123@YAHOO.COM'))
})

await t.test('r and s out of range are refused', async (t) => {
  const pair = (r: bigint, s: bigint): Buffer =>
    Buffer.from(r.toString(16).padStart(64, '0') + s.toString(16).padStart(64, '0'), 'hex')
  const r = BigInt(`0x${example.r.toString('hex')}`)
  const s = BigInt(`0x${example.s.toString('hex')}`)
  t.ok(verifySm2(example.publicKey, example.message, pair(r, s)))
  for (const [name, bad] of Object.entries({
    'r = 0': pair(0n, s),
    's = 0': pair(r, 0n),
    'r = n': pair(order, s),
    's = n': pair(r, order),
    'r + s = n': pair(r, order - r),
    'both 0': pair(0n, 0n),
  })) {
    t.notOk(verifySm2(example.publicKey, example.message, bad), name)
  }
  t.notOk(
    verifySm2(example.publicKey, example.message, writeSequence(writeInteger(r + order), writeInteger(s))),
    'r + n in DER',
  )
})

await t.test('DER is taken in its one form only', async (t) => {
  const good = derOf(raw)
  const [r, s] = readDer(good).children
  const rContent = r?.content ?? Buffer.of()
  const sRaw = s?.raw ?? Buffer.of()
  t.ok(verifySm2(example.publicKey, example.message, good))
  const bad = {
    'trailing byte': Buffer.concat([good, Buffer.of(0)]),
    'third integer': writeSequence(r?.raw ?? Buffer.of(), sRaw, writeInteger(1n)),
    'padded integer': writeSequence(writeDer(2, Buffer.of(0), rContent), sRaw),
    'negative integer': writeSequence(writeDer(2, rContent.subarray(1)), sRaw),
    'long form of a short length': Buffer.concat([Buffer.of(0x30, 0x81), good.subarray(1)]),
    'indefinite length': Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(2), Buffer.of(0, 0)]),
    'a set': Buffer.concat([Buffer.of(0x31), good.subarray(1)]),
    '63 raw bytes': raw.subarray(1),
    '65 raw bytes': Buffer.concat([Buffer.of(0), raw]),
    empty: Buffer.of(),
  }
  for (const [name, signature] of Object.entries(bad)) {
    t.notOk(verifySm2(example.publicKey, example.message, signature), name)
  }
})

await t.test('leading zeros of r and s are written and read right', async (t) => {
  const key = makeSm2Key()
  const publicKey = sm2PublicKey(key)
  let short = 0
  for (let index = 0; short < 2 && index < 3000; index += 1) {
    const message = Buffer.from(`message ${index}`)
    const signature = signSm2(key, message, { format: 'raw' })
    if (signature[0] !== 0 && signature[32] !== 0) continue
    short += 1
    t.ok(verifySm2(publicKey, message, signature))
    t.ok(verifySm2(publicKey, message, derOf(signature)))
  }
  t.ok(short > 0, 'a value with a leading zero byte was seen')
})

await t.test('points off the curve, compressed points and bad private keys are refused', async (t) => {
  const off = Buffer.from(example.publicKey)
  off[64] = (off[64] ?? 0) ^ 1
  t.notOk(isSm2PublicKey(off))
  t.notOk(verifySm2(off, example.message, raw))
  t.notOk(isSm2PublicKey(Buffer.concat([Buffer.of(3), example.publicKey.subarray(1, 33)])))
  t.notOk(isSm2PublicKey(Buffer.alloc(65)))
  t.ok(isSm2PublicKey(example.publicKey))
  const scalar = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
  for (const bad of [scalar(0n), scalar(order - 1n), scalar(order), example.privateKey.subarray(1)]) {
    t.throws(() => signSm2(bad, example.message), RangeError)
  }
})

await t.test('a signature with any bit changed does not verify', async () => {
  fc.assert(
    fc.property(fc.nat({ max: 63 }), fc.nat({ max: 7 }), (at, bit) => {
      const changed = Buffer.from(raw)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      return !verifySm2(example.publicKey, example.message, changed)
    }),
    { numRuns: 40 },
  )
})

await t.test('the pool signs and verifies on threads of its own', async (t) => {
  const pool = openSm2Pool({ threads: 2 })
  t.teardown(() => pool.close())
  const message = Buffer.from('报文')
  const signatures = await Promise.all(Array.from({ length: 6 }, () => pool.sign(example.privateKey, message)))
  t.equal(new Set(signatures.map(String)).size, 6, 'every signature has a nonce of its own')
  for (const signature of signatures) {
    t.ok(verifySm2(example.publicKey, message, signature))
    t.ok(await pool.verify(example.publicKey, message, signature))
    t.notOk(await pool.verify(example.publicKey, Buffer.from('other'), signature))
  }
  await t.rejects(pool.sign(Buffer.alloc(32), message), /not an SM2 private key/)
  const pending = pool.verify(example.publicKey, example.message, raw)
  const closing = pool.close()
  await t.rejects(pending, /closed/)
  await closing
  await t.rejects(pool.verify(example.publicKey, example.message, raw), /closed/)
})

const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' })
const hasOpenssl = openssl.status === 0 && /OpenSSL [3-9]/.test(openssl.stdout)

await t.test(
  'openssl verifies ours, and we verify that of openssl',
  { skip: hasOpenssl ? false : 'openssl 3 is not installed' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sm2-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const run = (...args: string[]) => spawnSync('openssl', args, { cwd: folder, encoding: 'buffer' })
    const options = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678']
    t.equal(run('genpkey', '-algorithm', 'SM2', '-out', 'key.pem').status, 0)
    t.equal(run('pkey', '-in', 'key.pem', '-pubout', '-outform', 'DER', '-out', 'public.der').status, 0)
    const publicKey = readFileSync(join(folder, 'public.der')).subarray(-65)
    t.equal(publicKey[0], 4)
    const message = Buffer.from('抵押权首次登记')
    writeFileSync(join(folder, 'message'), message)
    t.equal(run('pkeyutl', '-sign', '-inkey', 'key.pem', '-in', 'message', '-out', 'theirs', ...options).status, 0)
    const theirs = readFileSync(join(folder, 'theirs'))
    t.ok(verifySm2(publicKey, message, theirs))
    t.notOk(verifySm2(publicKey, message, theirs, ''))

    const secret = readDer(run('ec', '-in', 'key.pem', '-outform', 'DER').stdout).children[1]?.content ?? Buffer.of()
    t.strictSame(sm2PublicKey(secret), publicKey)
    writeFileSync(join(folder, 'ours'), signSm2(secret, message))
    const verdict = run('pkeyutl', '-verify', '-inkey', 'key.pem', '-in', 'message', '-sigfile', 'ours', ...options)
    t.equal(verdict.status, 0, verdict.stdout.toString())
  },
)

function derOf(signature: Buffer): Buffer {
  const der = writeSequence(
    writeInteger(BigInt(`0x${signature.subarray(0, 32).toString('hex')}`)),
    writeInteger(BigInt(`0x${signature.subarray(32).toString('hex')}`)),
  )
  readInteger(readDer(der).children[0], 'r')
  return der
}
