import { constants, createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto'
import { headerOf, type RawHeaders, signatureBase } from './signature-base.ts'
import { bytesText, componentListText } from './structured-fields.ts'

/** `alg` values that the gateway takes. */
export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'rsa-v1_5-sha256' | 'rsa-pss-sha512' | 'sm2-sm3'

/**
 * What signs. `pemSigner` makes one of a key file; write one of your own for SM2, or for a key in an HSM.
 */
export interface Signer {
  /** Lower-case hex SHA-256 of the registered certificate's DER: `certificateId` gives it. */
  keyid: string
  algorithm: SignatureAlgorithm
  /** The signature over these bytes. ECDSA: r‖s, 64 bytes. SM2: DER or r‖s, with user id 1234567812345678. */
  sign(base: Buffer): Buffer | Promise<Buffer>
}

const SIGNATURE_LABEL = 'sig1'
/** Covered whenever they are sent. */
const COVERED_HEADERS = ['content-digest', 'content-type', 'idempotency-key', 'x-operator']

/** The `keyid` of a certificate in PEM; the first one of a chain. Works for SM2 certificates too. */
export function certificateId(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase()
}

/**
 * A signer for a P-256 or RSA key in PEM (PKCS#8, PKCS#1 or SEC1) and its certificate.
 * @param options.pss signs with RSA-PSS and SHA-512 in place of PKCS#1 v1.5 and SHA-256.
 * @throws {Error} when the key is of another kind or not the certificate's.
 */
export function pemSigner(
  keyPem: string,
  certificatePem: string,
  options: { passphrase?: string; pss?: boolean } = {},
): Signer {
  const { passphrase, pss = false } = options
  const key = createPrivateKey({ key: keyPem, ...(passphrase === undefined ? {} : { passphrase }) })
  if (!new X509Certificate(certificatePem).checkPrivateKey(key)) throw new Error('the key is not the certificate’s')
  const keyid = certificateId(certificatePem)
  if (key.asymmetricKeyType === 'rsa') {
    return pss
      ? {
          keyid,
          algorithm: 'rsa-pss-sha512',
          sign: (base) => sign('sha512', base, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }),
        }
      : { keyid, algorithm: 'rsa-v1_5-sha256', sign: (base) => sign('sha256', base, key) }
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return {
      keyid,
      algorithm: 'ecdsa-p256-sha256',
      sign: (base) => sign('sha256', base, { key, dsaEncoding: 'ieee-p1363' }),
    }
  }
  throw new Error(`a key of type ${key.asymmetricKeyType} needs a signer of its own`)
}

/** The two headers that sign a request, with a nonce of their own: to be made anew for each attempt. */
export async function signRequest(
  request: { method: string; targetUri: string; rawHeaders: RawHeaders },
  signer: Signer,
  now: Date,
): Promise<{ 'signature-input': string; signature: string }> {
  const covered = COVERED_HEADERS.filter((name) => headerOf(request.rawHeaders, name) !== undefined)
  const list = {
    components: ['@method', '@target-uri', ...covered].map((name) => ({ name, parameters: [] })),
    parameters: [
      ['created', Math.floor(now.getTime() / 1000)],
      ['keyid', signer.keyid],
      ['alg', signer.algorithm],
      ['nonce', randomBytes(18).toString('base64url')],
    ] as const,
  }
  const signature = await signer.sign(signatureBase(request, list))
  return {
    'signature-input': `${SIGNATURE_LABEL}=${componentListText(list)}`,
    signature: `${SIGNATURE_LABEL}=${bytesText(signature)}`,
  }
}
