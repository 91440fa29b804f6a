import { createPublicKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pemOf } from './certificate.ts'
import { readDer, tags } from './der.ts'
import {
  writeBits,
  writeBoolean,
  writeDer,
  writeInteger,
  writeOctets,
  writeOid,
  writeSequence,
  writeText,
  writeTime,
} from './der-write.ts'
import { oids, publicKeyDer } from './public-key.ts'
import { makeSm2Key, signSm2, sm2PublicKey } from './sm2.ts'

/** What a certificate is made from: the key's SubjectPublicKeyInfo and the way it signs. */
interface Identity {
  publicKey: Buffer
  keyPem: string
  signatureAlgorithm: string
  sign(bytes: Buffer): Buffer
}

const validYears = 10
/** A receiver whose clock is behind should not refuse a certificate made just now. */
const backdatedMs = 3_600_000

/**
 * Gives the gateway keys of its own where it has none: a P-256 and an SM2 key, each with a certificate that it signs
 * itself, in `p256.key.pem`, `p256.cert.pem`, `sm2.key.pem`, `sm2.cert.pem` (0600). The folder appears complete or
 * not at all; one that holds anything is left alone.
 * @returns whether keys were made.
 */
export async function createSelfSigned(folder: string, subjectName: string, now: Date): Promise<boolean> {
  if ((await entriesOf(folder)).length > 0) return false
  const making = join(dirname(folder), `.${basename(folder)}-${randomBytes(6).toString('hex')}`)
  await mkdir(making, { recursive: true, mode: 0o700 })
  try {
    for (const [name, identity] of Object.entries({ p256: makeP256(), sm2: makeSm2() })) {
      const certificate = selfSigned(identity, subjectName, now)
      const options = { mode: 0o600, flush: true }
      await writeFile(join(making, `${name}.key.pem`), identity.keyPem, options)
      await writeFile(join(making, `${name}.cert.pem`), pemOf('CERTIFICATE', certificate), options)
    }
    await rmdir(folder).catch(ignoreMissing)
    await rename(making, folder)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    throw error
  }
  return true
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(ignoreMissing)) ?? []
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

function makeP256(): Identity {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    publicKey: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }),
    keyPem: pkcs8Pem(privateKey),
    signatureAlgorithm: '1.2.840.10045.4.3.2',
    sign: (bytes) => sign('sha256', bytes, privateKey),
  }
}

function pkcs8Pem(key: KeyObject): string {
  return pemOf('PRIVATE KEY', key.export({ format: 'der', type: 'pkcs8' }))
}

function makeSm2(): Identity {
  const key = makeSm2Key()
  const point = sm2PublicKey(key)
  const publicPart = writeDer(0xa1, writeBits(point))
  const ecKey = writeSequence(writeInteger(1n), writeOctets(key), publicPart)
  const algorithm = writeSequence(writeOid(oids.ecPublicKey), writeOid(oids.sm2Curve))
  return {
    publicKey: publicKeyDer(oids.sm2Curve, point),
    keyPem: pemOf('PRIVATE KEY', writeSequence(writeInteger(0n), algorithm, writeOctets(ecKey))),
    signatureAlgorithm: '1.2.156.10197.1.501',
    sign: (bytes) => signSm2(key, bytes),
  }
}

/** An end-entity certificate for signatures, X.509 v3. */
function selfSigned(identity: Identity, subjectName: string, now: Date): Buffer {
  const commonName = writeSequence(writeOid('2.5.4.3'), writeText(subjectName))
  const name = writeSequence(writeDer(tags.set, commonName))
  const until = new Date(now)
  until.setUTCFullYear(until.getUTCFullYear() + validYears)
  const algorithm = writeSequence(writeOid(identity.signatureAlgorithm))
  const point = readDer(identity.publicKey).children[1]?.content.subarray(1) ?? Buffer.of()
  const keyId = hash('sha256', point, 'buffer').subarray(0, 20)
  const digitalSignature = writeBits(Buffer.of(0x80), 7)
  const extensions = writeSequence(
    extension('2.5.29.19', true, writeSequence()),
    extension('2.5.29.15', true, digitalSignature),
    extension('2.5.29.14', false, writeOctets(keyId)),
  )
  const content = writeSequence(
    writeDer(0xa0, writeInteger(2n)),
    writeInteger(BigInt(`0x${randomBytes(16).toString('hex')}`)),
    algorithm,
    name,
    writeSequence(writeTime(new Date(now.getTime() - backdatedMs)), writeTime(until)),
    name,
    identity.publicKey,
    writeDer(0xa3, extensions),
  )
  return writeSequence(content, algorithm, writeBits(identity.sign(content)))
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return writeSequence(writeOid(oid), ...(critical ? [writeBoolean(true)] : []), writeOctets(value))
}
