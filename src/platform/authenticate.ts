import { readFile } from 'node:fs/promises'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../base/problem.ts'
import { type Certificate, certificatesOfPem, parseCertificate } from '../trust/certificate.ts'
import { headerValue, targetUriOf } from '../trust/http-message.ts'
import { type ReadSignature, readSignature, verifySignature } from '../trust/http-signature.ts'
import type { Sm2Pool } from '../trust/sm2-pool.ts'

/** Certificates by which a platform signs, by fingerprint. They are named one by one, so no CA vouches for them. */
export type PlatformCertificates = ReadonlyMap<string, Certificate>

export interface CallbackSource {
  /** The platform's id in our addresses. */
  id: string
  certificates: PlatformCertificates
  sm2: Sm2Pool
  /** Address under which the platform reaches us, without a path. */
  publicUrl: () => string
  windowSeconds: number
  databaseNow: () => Date
}

/** A callback whose signature has verified. */
export interface SignedCallback {
  signature: ReadSignature
  targetUri: string
  /** Why its certificate is not good now. */
  fault: Problem | null
}

/**
 * @param files PEM files, separated by commas. @throws {Error} naming the file that cannot be read or holds none.
 */
export async function readPlatformCertificates(files: string | null): Promise<PlatformCertificates> {
  const certificates = new Map<string, Certificate>()
  for (const file of (files ?? '').split(',').map((one) => one.trim())) {
    if (file === '') continue
    try {
      const found = certificatesOfPem(await readFile(file, 'utf8')).map(parseCertificate)
      if (found.length === 0) throw new Error('it holds no certificate')
      for (const certificate of found) certificates.set(certificate.fingerprint, certificate)
    } catch (error) {
      throw new Error(`PLATFORM_CERTIFICATES: ${file}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
  return certificates
}

/**
 * Verifies that a call is the word of the platform whose id its address names; nothing of the body has been read.
 * @throws {Problem} what anyone could cause: another id, no, malformed or wrong signature, an unknown certificate. To be
 * counted, not traced.
 */
export async function authenticateCallback(
  request: FastifyRequest,
  platform: string,
  source: CallbackSource,
): Promise<SignedCallback> {
  if (platform !== source.id) {
    throw new Problem('platform-unknown', { zh: '没有此平台', en: 'no platform has this id' })
  }
  const targetUri = targetUriOf(source.publicUrl(), request.raw.url ?? '')
  const { rawHeaders } = request
  const now = source.databaseNow()
  const signature = readSignature(
    { method: request.method, targetUri, rawHeaders },
    // A message of the platform is told from others by its unid.
    { now, skewSeconds: source.windowSeconds, hasBody: true, idempotencyKeyOnPost: false },
  )
  const certificate = source.certificates.get(signature.keyid)
  if (certificate === undefined) {
    throw new Problem('certificate-unknown', {
      zh: 'keyid 对应的证书不是该平台的证书',
      en: 'the certificate that keyid names is none of this platform',
    })
  }
  await verifySignature(signature, certificate.publicKey, source.sm2)
  return { signature, targetUri, fault: validityFault(certificate, now) }
}

/** Value of the signed request's own digest header. */
export function digestHeader(request: FastifyRequest): string | null {
  return headerValue(request.rawHeaders, 'content-digest') ?? null
}

function validityFault({ validFrom, validUntil }: Certificate, now: Date): Problem | null {
  if (now < validFrom) {
    return new Problem('certificate-not-yet-valid', {
      zh: `平台证书自 ${validFrom.toISOString()} 起生效`,
      en: `the platform's certificate is valid from ${validFrom.toISOString()}`,
    })
  }
  if (now <= validUntil) return null
  return new Problem('certificate-expired', {
    zh: `平台证书已于 ${validUntil.toISOString()} 过期`,
    en: `the platform's certificate expired at ${validUntil.toISOString()}`,
  })
}
