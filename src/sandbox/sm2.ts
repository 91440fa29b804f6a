import { createHash, randomBytes } from 'node:crypto'
import { weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { derIntegerValue, readDer, readDerAll } from './der-reader.ts'
import { derInteger, derSequence } from './der-writer.ts'

/** SM2 signatures (GB/T 32918.2) on the recommended curve, with SM3 and the standard's own ID. */
const p = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn
const n = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n
const a = 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn
const b = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n
const gx = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n
const gy = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n
const Point = weierstrass({ p, n, h: 1n, a, b, Gx: gx, Gy: gy })

const STANDARD_ID = Buffer.from('1234567812345678', 'latin1')

export interface Sm2KeyPair {
  d: bigint
  /** 04 ‖ x ‖ y, 65 bytes. */
  publicPoint: Buffer
}

const bytes32 = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const mod = (value: bigint): bigint => ((value % n) + n) % n
const sm3 = (...parts: Uint8Array[]): Buffer => createHash('sm3').update(Buffer.concat(parts)).digest()

/** Extended Euclid: the inverse of `value` modulo the order. */
function inverse(value: bigint): bigint {
  let [r0, r1, t0, t1] = [n, mod(value), 0n, 1n]
  while (r1 !== 0n) {
    const q = r0 / r1
    ;[r0, r1] = [r1, r0 - q * r1]
    ;[t0, t1] = [t1, t0 - q * t1]
  }
  return mod(t0)
}

/** A number in [1, n-2]. */
function randomScalar(): bigint {
  for (;;) {
    const candidate = number(randomBytes(32))
    if (candidate > 0n && candidate < n - 1n) return candidate
  }
}

export function sm2PublicPoint(d: bigint): Buffer {
  return Buffer.from(Point.BASE.multiply(d).toBytes(false))
}

export function makeSm2KeyPair(): Sm2KeyPair {
  const d = randomScalar()
  return { d, publicPoint: sm2PublicPoint(d) }
}

/** e = SM3(ZA ‖ message), ZA over the ID's length in bits, the ID, the curve and the public point. */
function messageNumber(message: Uint8Array, publicPoint: Buffer): bigint {
  const idBits = Buffer.alloc(2)
  idBits.writeUInt16BE(STANDARD_ID.length * 8)
  const za = sm3(idBits, STANDARD_ID, bytes32(a), bytes32(b), bytes32(gx), bytes32(gy), publicPoint.subarray(1))
  return number(sm3(za, message))
}

/** The signature as a DER SEQUENCE of r and s. */
export function signSm2(message: Uint8Array, key: Sm2KeyPair): Buffer {
  const e = messageNumber(message, key.publicPoint)
  for (;;) {
    const k = randomScalar()
    const r = mod(e + Point.BASE.multiply(k).toAffine().x)
    if (r === 0n || r + k === n) continue
    const s = mod(inverse(1n + key.d) * (k - r * key.d))
    if (s !== 0n) return derSequence(derInteger(r), derInteger(s))
  }
}

/** Verifies a signature given as DER or as 64 raw bytes r ‖ s. */
export function verifySm2(message: Uint8Array, signature: Buffer, publicPoint: Buffer): boolean {
  const pair = signature.length === 64 ? rawPair(signature) : derPair(signature)
  if (pair === undefined) return false
  const [r, s] = pair
  if (r <= 0n || r >= n || s <= 0n || s >= n) return false
  const t = mod(r + s)
  if (t === 0n) return false
  const point = Point.BASE.multiplyUnsafe(s).add(Point.fromBytes(publicPoint).multiplyUnsafe(t))
  if (point.is0()) return false
  return mod(messageNumber(message, publicPoint) + point.toAffine().x) === r
}

function rawPair(signature: Buffer): [bigint, bigint] {
  return [number(signature.subarray(0, 32)), number(signature.subarray(32))]
}

function derPair(signature: Buffer): [bigint, bigint] | undefined {
  try {
    const outer = readDer(signature)
    const [r, s, ...more] = readDerAll(outer.content)
    if (outer.tag !== 0x30 || outer.end !== signature.length || more.length > 0) return undefined
    return [derIntegerValue(r), derIntegerValue(s)]
  } catch {
    return undefined
  }
}
