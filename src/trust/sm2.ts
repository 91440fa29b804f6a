import { createHash, randomBytes } from 'node:crypto'
import { type WeierstrassPoint, weierstrass } from '@noble/curves/abstract/weierstrass.js'
import { DerError, readDer, readInteger, readSequence } from './der.ts'
import { writeInteger, writeSequence } from './der-write.ts'

/**
 * SM2 signatures (GB/T 32918.2) on the recommended curve, with SM3. The only verifier of SM2 in the gateway: node's
 * own judges with an empty ID and says false for good signatures.
 * A public key is the uncompressed point, 65 bytes; a private key 32 bytes.
 */

/** The ID that GM/T 0009 prescribes where the parties have not agreed on another. */
export const defaultSm2Id = '1234567812345678'

const curve = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
}
const { n } = curve
const Point = weierstrass<bigint>(curve)
type Sm2Point = WeierstrassPoint<bigint>
type Pair = { r: bigint; s: bigint }

const curveOctets = Buffer.concat([curve.a, curve.b, curve.Gx, curve.Gy].map(octets32))

/** A key that verified once before gets tables (about 20 ms, five times the speed after); bounded, oldest out first. */
const maxTables = 256
const windowBits = 6
const pointsByKey = new Map<string, { point: Sm2Point; uses: number }>()

/** True if these 65 bytes are an uncompressed point of the curve. */
export function isSm2PublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 65 || publicKey[0] !== 4) return false
  try {
    Point.fromBytes(publicKey).assertValidity()
    return true
  } catch {
    return false
  }
}

/**
 * @param signature strict DER of (r, s), or exactly 64 bytes r ‖ s (leading zeros kept). A DER signature of 64 bytes
 * is rare but exists, so 64 bytes are tried as both.
 */
export function verifySm2(publicKey: Buffer, message: Uint8Array, signature: Buffer, id = defaultSm2Id): boolean {
  const raw = signature.length === 64 ? rawPair(signature) : null
  return [raw, derPair(signature)].some((pair) => pair !== null && isSigned(publicKey, message, pair, id))
}

function isSigned(publicKey: Buffer, message: Uint8Array, { r, s }: Pair, id: string): boolean {
  if (r < 1n || r >= n || s < 1n || s >= n) return false
  const t = (r + s) % n
  if (t === 0n) return false
  const known = publicPoint(publicKey)
  if (known === null) return false
  const sum = known.tabled
    ? Point.BASE.multiplyUnsafe(s).add(known.point.multiplyUnsafe(t))
    : Point.BASE.mulAddUnsafe(s, known.point, t)
  if (sum.is0()) return false
  return (messageHash(publicKey, message, id) + sum.toAffine().x) % n === r
}

export interface Sm2SignOptions {
  id?: string
  format?: 'der' | 'raw'
  /** The nonce k of one attempt, in [1, n - 1]; for the standard's examples only. */
  nonce?: () => bigint
}

/** @throws {RangeError} if the private key is not in [1, n - 2]. */
export function signSm2(privateKey: Buffer, message: Uint8Array, options: Sm2SignOptions = {}): Buffer {
  const d = privateScalar(privateKey)
  const e = messageHash(sm2PublicKey(privateKey), message, options.id ?? defaultSm2Id)
  const inverse = Point.Fn.inv(d + 1n)
  for (;;) {
    const k = options.nonce === undefined ? randomScalar() : options.nonce()
    const r = (e + Point.BASE.multiply(k).toAffine().x) % n
    if (r === 0n || r + k === n) continue
    const s = Point.Fn.mul(inverse, Point.Fn.sub(k, Point.Fn.mul(r, d)))
    if (s === 0n) continue
    return options.format === 'raw'
      ? Buffer.concat([octets32(r), octets32(s)])
      : writeSequence(writeInteger(r), writeInteger(s))
  }
}

/** A fresh private key. */
export function makeSm2Key(): Buffer {
  for (;;) {
    const d = randomScalar()
    if (d < n - 1n) return octets32(d)
  }
}

/** @throws {RangeError} if the private key is not in [1, n - 2]. */
export function sm2PublicKey(privateKey: Buffer): Buffer {
  return Buffer.from(Point.BASE.multiply(privateScalar(privateKey)).toBytes(false))
}

function privateScalar(privateKey: Buffer): bigint {
  const d = privateKey.length === 32 ? scalarOf(privateKey) : 0n
  if (d < 1n || d > n - 2n) throw new RangeError('not an SM2 private key')
  return d
}

/** e = SM3(Z ‖ M), Z binding the signer's ID, the curve and the key. */
function messageHash(publicKey: Buffer, message: Uint8Array, id: string): bigint {
  const idOctets = Buffer.from(id, 'utf8')
  const idBits = Buffer.alloc(2)
  idBits.writeUInt16BE(idOctets.length * 8)
  const z = createHash('sm3').update(idBits).update(idOctets).update(curveOctets).update(publicKey.subarray(1)).digest()
  return scalarOf(createHash('sm3').update(z).update(message).digest())
}

function publicPoint(publicKey: Buffer): { point: Sm2Point; tabled: boolean } | null {
  const key = publicKey.toString('latin1')
  const known = pointsByKey.get(key)
  if (known === undefined) {
    if (!isSm2PublicKey(publicKey)) return null
    const point = Point.fromBytes(publicKey)
    if (pointsByKey.size >= maxTables) pointsByKey.delete(pointsByKey.keys().next().value ?? '')
    pointsByKey.set(key, { point, uses: 1 })
    return { point, tabled: false }
  }
  pointsByKey.delete(key)
  pointsByKey.set(key, known)
  known.uses += 1
  if (known.uses === 2) known.point.precompute(windowBits, false)
  return { point: known.point, tabled: true }
}

function rawPair(signature: Buffer): Pair {
  return { r: scalarOf(signature.subarray(0, 32)), s: scalarOf(signature.subarray(32)) }
}

function derPair(signature: Buffer): Pair | null {
  try {
    const parts = readSequence(readDer(signature), 'signature')
    if (parts.length !== 2) return null
    return { r: readInteger(parts[0], 'r'), s: readInteger(parts[1], 's') }
  } catch (error) {
    if (error instanceof DerError) return null
    throw error
  }
}

/** Uniform in [1, n - 1], by rejection. */
function randomScalar(): bigint {
  for (;;) {
    const value = scalarOf(randomBytes(32))
    if (value >= 1n && value < n) return value
  }
}

function scalarOf(octets: Buffer): bigint {
  return BigInt(`0x${octets.toString('hex')}`)
}

function octets32(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}
