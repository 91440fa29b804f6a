import { createPublicKey, type KeyObject } from 'node:crypto'
import { type DerNode, expectTag, readDer, readInteger, readOctetBits, readOid, readSequence, tags } from './der.ts'
import { writeBits, writeDer, writeInteger, writeOid, writeSequence } from './der-write.ts'
import { isSm2PublicKey } from './sm2.ts'

export type PublicKey =
  | { kind: 'rsa'; key: KeyObject; bits: number }
  | { kind: 'p256'; key: KeyObject }
  /** `point`: 65 bytes, uncompressed. */
  | { kind: 'sm2'; point: Buffer }

/** A key of a kind or size that we do not take, in a structure that is in order. */
export class WeakKeyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WeakKeyError'
  }
}

export const oids = {
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecPublicKey: '1.2.840.10045.2.1',
  p256Curve: '1.2.840.10045.3.1.7',
  sm2Curve: '1.2.156.10197.1.301',
} as const

const minRsaBits = 2048
/** Above this a verification costs so much that a certificate would be a weapon. */
const maxRsaBits = 8192

/**
 * Reads a SubjectPublicKeyInfo: RSA of at least 2048 bits with e >= 65537, P-256 or SM2, both as uncompressed points.
 * What node gets to see is written anew from the parts that were checked.
 * @throws {DerError} @throws {WeakKeyError}
 */
export function readPublicKey(node: DerNode | undefined): PublicKey {
  const [algorithm, bits, ...more] = readSequence(node, 'the public key')
  const [oidNode, parameters] = readSequence(algorithm, 'the key algorithm')
  const octets = readOctetBits(bits, 'the key bits')
  if (more.length > 0) throw new WeakKeyError('the public key has extra parts')
  const oid = readOid(oidNode, 'the key algorithm')
  if (oid === oids.rsaEncryption) {
    expectTag(parameters, tags.null, 'the RSA parameters')
    return readRsaKey(octets)
  }
  if (oid !== oids.ecPublicKey) throw new WeakKeyError(`the key algorithm ${oid} is not accepted`)
  // Only curves by name: parameters written out are a known way to pass off another curve.
  if (parameters?.tag !== tags.oid) throw new WeakKeyError('the curve is not given by its name')
  const curve = readOid(parameters, 'the curve')
  if (octets.length !== 65 || octets[0] !== 4) throw new WeakKeyError('the key is not an uncompressed point')
  if (curve === oids.sm2Curve) {
    if (!isSm2PublicKey(octets)) throw new WeakKeyError('the point is not on the SM2 curve')
    return { kind: 'sm2', point: Buffer.from(octets) }
  }
  if (curve !== oids.p256Curve) throw new WeakKeyError(`the curve ${curve} is not accepted`)
  try {
    return { kind: 'p256', key: keyFrom(publicKeyDer(oids.p256Curve, octets)) }
  } catch (cause) {
    throw new WeakKeyError(`the point is not on P-256: ${String(cause)}`)
  }
}

function readRsaKey(octets: Buffer): PublicKey {
  const [modulusNode, exponentNode] = readSequence(readDer(octets), 'the RSA key')
  const modulus = readInteger(modulusNode, 'the modulus')
  const exponent = readInteger(exponentNode, 'the exponent')
  const bits = modulus.toString(2).length
  if (modulus <= 0n || modulus % 2n === 0n || bits < minRsaBits || bits > maxRsaBits) {
    throw new WeakKeyError(`an RSA modulus of ${bits} bits is not accepted`)
  }
  if (exponent < 65_537n || exponent % 2n === 0n || exponent >= 1n << 64n) {
    throw new WeakKeyError('the RSA exponent is not accepted')
  }
  const key = writeSequence(writeInteger(modulus), writeInteger(exponent))
  const algorithm = writeSequence(writeOid(oids.rsaEncryption), writeDer(tags.null))
  return { kind: 'rsa', key: keyFrom(writeSequence(algorithm, writeBits(key))), bits }
}

/** The SubjectPublicKeyInfo of a point on a named curve. */
export function publicKeyDer(curve: string, point: Buffer): Buffer {
  return writeSequence(writeSequence(writeOid(oids.ecPublicKey), writeOid(curve)), writeBits(point))
}

function keyFrom(der: Buffer): KeyObject {
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}
