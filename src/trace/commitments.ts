import { randomBytes } from 'node:crypto'
import { canonicalJson } from '../base/canonical-json.ts'
import { sm3 } from './merkle.ts'

/** Sealing of columns: `context` names table, column and id, so that a value cannot be moved to another row. */
export interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

/** SM3(salt ‖ UTF-8 value) under a path; salt and value lie apart, sealed. */
export interface Commitment {
  readonly path: string
  readonly sm3: string
}

export interface Opening {
  readonly path: string
  readonly salt: Buffer
  readonly value: string
}

const SALT_BYTES = 32

/** The hash of one opening, in lower-case hex. */
function commitmentHash(salt: Buffer, value: string): string {
  return sm3(Buffer.concat([salt, Buffer.from(value)])).toString('hex')
}

/** Commits to each value with a salt of its own, paths in the order of their UTF-16 code units. */
export function commit(personal: readonly { path: string; value: string }[]): {
  commitments: Commitment[]
  openings: Opening[]
} {
  const salts = randomBytes(SALT_BYTES * personal.length)
  const openings = [...personal]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, value }, i) => ({ path, salt: salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES), value }))
  const commitments = openings.map(({ path, salt, value }) => ({ path, sm3: commitmentHash(salt, value) }))
  return { commitments, openings }
}

/** The plain form of all openings of a record, before sealing: {path: [salt in base64, value]}. */
export function openingsBytes(openings: readonly Opening[]): Buffer {
  return Buffer.from(
    canonicalJson(
      Object.fromEntries(openings.map(({ path, salt, value }) => [path, [salt.toString('base64'), value]])),
    ),
  )
}

/**
 * The openings of a record, each held against its commitment.
 * @param bytes the record's canonical JSON.
 * @param plain what `openingsBytes` gave; null when the record has no commitments, or they were erased.
 * @throws {Error} naming the path whose opening does not fit.
 */
export function openCommitments(bytes: Buffer, plain: Buffer | null): Opening[] {
  if (plain === null) return []
  const { commitments } = JSON.parse(bytes.toString()) as { commitments: Commitment[] }
  const known = new Map(commitments.map((commitment) => [commitment.path, commitment.sm3]))
  const held = JSON.parse(plain.toString()) as Record<string, [string, string]>
  return Object.entries(held).map(([path, [saltText, value]]) => {
    const salt = Buffer.from(saltText, 'base64')
    if (known.get(path) !== commitmentHash(salt, value)) throw new Error(`the opening of ${path} does not fit`)
    return { path, salt, value }
  })
}
