import { createHmac, hkdfSync, KeyObject } from 'node:crypto'

const derived = new WeakMap<KeyObject, Map<string, Buffer>>()

/**
 * What stands in an index for a value that only lies sealed: key version ‖ HMAC-SHA-256. Each purpose has a key of its
 * own (HKDF), so that equal values of two kinds do not look alike.
 * @param key the blind index's data key of that version.
 * @param value as compared: normalising, where wanted, is the caller's.
 */
export function blindIndexValue(version: number, key: KeyObject, purpose: string, value: string): Buffer {
  let keys = derived.get(key)
  if (keys === undefined) {
    keys = new Map()
    derived.set(key, keys)
  }
  let purposeKey = keys.get(purpose)
  if (purposeKey === undefined) {
    purposeKey = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `blind-index/${version}/${purpose}`, 32))
    keys.set(purpose, purposeKey)
  }
  const digest = createHmac('sha256', purposeKey).update(value, 'utf8').digest()
  return Buffer.concat([Buffer.of(version), digest])
}
