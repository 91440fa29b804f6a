import type { FastifyRequest } from 'fastify'
import { codesInForce } from '../access/decide.ts'
import type { Directory } from '../access/directory.ts'
import type { RegisteredCertificate } from '../access/snapshot.ts'
import { Problem } from '../base/problem.ts'
import { parseCertificate } from '../trust/certificate.ts'
import { headerValue, targetUriOf } from '../trust/http-message.ts'
import { type ReadSignature, readSignature, verifySignature } from '../trust/http-signature.ts'
import type { PublicKey } from '../trust/public-key.ts'
import type { Sm2Pool } from '../trust/sm2-pool.ts'
import type { TrustStore } from '../trust/trust-store.ts'

export interface AuthenticateMeans {
  directory: Directory
  trust: TrustStore
  sm2: Sm2Pool
  /** Address under which banks reach us, without a path. */
  publicUrl: () => string
  windowSeconds: number
  /** Signatures live by the database's clock; business does not. */
  databaseNow: () => Date
}

/** A request whose signature verified. Whether its sender may do what it asks is another question. */
export interface Authenticated {
  signature: ReadSignature
  targetUri: string
  registered: RegisteredCertificate
  /** Why the certificate is not good now, or the code of the organisation that it names. */
  certificate: { fault: Problem } | { bankCode: string }
}

const keys = new Map<string, PublicKey>()

/**
 * Verifies the signature over the headers; nothing of a body has been read.
 * @throws {Problem} what anyone could cause: no, malformed, wrong signature, unknown certificate. To be counted, not traced.
 */
export async function authenticate(request: FastifyRequest, means: AuthenticateMeans): Promise<Authenticated> {
  const targetUri = targetUriOf(means.publicUrl(), request.raw.url ?? '')
  const { rawHeaders } = request
  const now = means.databaseNow()
  const signature = readSignature(
    { method: request.method, targetUri, rawHeaders },
    {
      now,
      skewSeconds: means.windowSeconds,
      hasBody: hasBody(request),
      // What is sent must be covered anyway; that it was not sent at all is told by its own name.
      idempotencyKeyOnPost: headerValue(rawHeaders, 'idempotency-key') !== undefined,
    },
  )
  const registered =
    means.directory.current().certificates.get(signature.keyid) ??
    // It may have been registered a moment ago.
    (await means.directory.freshen()).certificates.get(signature.keyid)
  if (registered === undefined) {
    throw new Problem('certificate-unknown', {
      zh: 'keyid 对应的证书未登记到任何账号',
      en: 'the certificate that keyid names is registered for no account',
    })
  }
  await verifySignature(signature, publicKeyOf(registered), means.sm2)
  return { signature, targetUri, registered, certificate: await judgeCertificate(registered, means, now) }
}

function hasBody(request: FastifyRequest): boolean {
  const length = headerValue(request.rawHeaders, 'content-length')
  return headerValue(request.rawHeaders, 'transfer-encoding') !== undefined || (length !== undefined && length !== '0')
}

function publicKeyOf(registered: RegisteredCertificate): PublicKey {
  let key = keys.get(registered.fingerprint)
  if (key === undefined) {
    key = parseCertificate(registered.der).publicKey
    keys.set(registered.fingerprint, key)
  }
  return key
}

async function judgeCertificate(
  registered: RegisteredCertificate,
  means: AuthenticateMeans,
  now: Date,
): Promise<Authenticated['certificate']> {
  const verdict = await means.trust.judge(registered.der, now)
  if (verdict.ok) return { bankCode: verdict.bankCode }
  return { fault: new Problem(verdict.code, verdict.detail, { rule: 'certificate.good' }) }
}

/**
 * Holds a good certificate against the bank as access has it now: to be asked anew with each decision, since a branch
 * may have been suspended meanwhile.
 * @throws {Problem} why it is not good, or `certificate-bank-mismatch`; traced one by one, the signature is its holder's.
 */
export function checkCertificate({ certificate }: Authenticated, { account }: RegisteredCertificate): void {
  if ('fault' in certificate) throw certificate.fault
  if (codesInForce(account.bank).has(certificate.bankCode)) return
  throw new Problem(
    'certificate-bank-mismatch',
    {
      zh: '证书标明的机构不是账号所属银行或其在用服务点',
      en: "the certificate names neither the account's bank nor a branch of it that is in force",
    },
    { rule: 'certificate.of-bank' },
  )
}
