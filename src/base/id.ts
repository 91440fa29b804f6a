import { randomFillSync } from 'node:crypto'

const bytes = Buffer.alloc(16)
/** Drawn in advance: a call of the generator costs more than what it gives. */
const drawn = Buffer.alloc(8192)
let used = drawn.length
let lastMs = 0
let sequence = 0

/**
 * A UUIDv7 (RFC 9562): 48 bits of milliseconds, a 12-bit counter that keeps ids of one process in order,
 * 62 random bits. Lower-case with hyphens.
 */
export function newId(atMs: number = Date.now()): string {
  if (atMs > lastMs) {
    lastMs = atMs
    sequence = 0
  } else {
    // Clock stood still or went back: stay on the last millisecond; a full counter borrows the next one.
    sequence += 1
    if (sequence > 0xfff) {
      lastMs += 1
      sequence = 0
    }
  }
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  drawn.copy(bytes, 8, used, used + 8)
  used += 8
  bytes.writeUIntBE(lastMs, 0, 6)
  bytes.writeUInt16BE(0x7000 | sequence, 6)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The smallest UUIDv7 of a moment: bounds for reading partitions by time. */
export function firstIdAt(atMs: number): string {
  const hex = Math.max(0, atMs).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** The moment in milliseconds at which a UUIDv7 was made. */
export function idTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}
