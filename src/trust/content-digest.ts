import { createHash, type Hash, hash as hashOnce, timingSafeEqual } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { type Dictionary, parseDictionary, StructuredFieldError } from './structured-fields.ts'
import { dictionaryText } from './structured-fields-text.ts'

/** RFC 9530 Content-Digest. `sm3` is ours (it is not in IANA's registry): what a 国密 bank has at hand. */
export type DigestAlgorithm = 'sha-256' | 'sm3'

export type ContentDigest = ReadonlyMap<DigestAlgorithm, Buffer>

const hashNames: Record<DigestAlgorithm, string> = { 'sha-256': 'sha256', sm3: 'sm3' }
const digestBytes = 32

/**
 * The digests of a field value that we can check. Algorithms that we do not know are passed over, as the RFC says,
 * but at least one must be known, and every known one is checked.
 * @throws {Problem} digest-malformed, digest-algorithm-unsupported.
 */
export function parseContentDigest(text: string): ContentDigest {
  const known = new Map<DigestAlgorithm, Buffer>()
  const fields = digestFields(text)
  for (const [key, member] of fields) {
    if (member.kind !== 'item' || member.value.type !== 'bytes') throw malformed(`${key} is not a byte sequence`)
    if (!isKnown(key)) continue
    if (member.value.value.length !== digestBytes) throw malformed(`${key} has not ${digestBytes} bytes`)
    known.set(key, member.value.value)
  }
  if (known.size === 0) {
    throw new Problem('digest-algorithm-unsupported', {
      zh: 'Content-Digest 须含 sha-256 或 sm3 摘要',
      en: 'Content-Digest holds neither a sha-256 nor an sm3 digest',
    })
  }
  return known
}

function digestFields(text: string): Dictionary {
  try {
    return parseDictionary(text, { unique: true })
  } catch (error) {
    if (error instanceof StructuredFieldError) throw malformed(error.message)
    throw error
  }
}

function isKnown(key: string): key is DigestAlgorithm {
  return Object.hasOwn(hashNames, key)
}

function malformed(why: string): Problem {
  return new Problem('digest-malformed', {
    zh: `Content-Digest 格式错误：${why}`,
    en: `Content-Digest is malformed: ${why}`,
  })
}

/** Checks a body as it streams by: `update` for each chunk, then `finish`. */
export interface DigestCheck {
  update(chunk: Uint8Array): void
  /** @throws {Problem} digest-mismatch if any of the declared digests is not that of the bytes seen. */
  finish(): void
}

export function checkDigest(declared: ContentDigest): DigestCheck {
  const hashes: [DigestAlgorithm, Hash, Buffer][] = []
  for (const [algorithm, digest] of declared) hashes.push([algorithm, createHash(hashNames[algorithm]), digest])
  return {
    update(chunk) {
      for (const [, hash] of hashes) hash.update(chunk)
    },
    finish() {
      for (const [algorithm, hash, digest] of hashes) {
        if (!timingSafeEqual(hash.digest(), digest)) {
          throw new Problem('digest-mismatch', {
            zh: `报文体的 ${algorithm} 摘要与 Content-Digest 不一致`,
            en: `The ${algorithm} digest of the body is not the one in Content-Digest`,
          })
        }
      }
    },
  }
}

/** @throws {Problem} digest-mismatch. */
export function checkBodyDigest(declared: ContentDigest, body: Uint8Array): void {
  const check = checkDigest(declared)
  check.update(body)
  check.finish()
}

/** The field value for a body that is at hand. */
export function contentDigestOf(body: Uint8Array, algorithm: DigestAlgorithm = 'sha-256'): string {
  return contentDigestText(new Map([[algorithm, hashOnce(hashNames[algorithm], body, 'buffer')]]))
}

/** The field value for digests computed elsewhere, a stored file's for instance. */
export function contentDigestText(digests: ContentDigest): string {
  return dictionaryText(
    new Map(
      [...digests].map(([algorithm, value]) => [
        algorithm,
        { kind: 'item' as const, value: { type: 'bytes' as const, value }, parameters: new Map() },
      ]),
    ),
  )
}
