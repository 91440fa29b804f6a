/** Keys of our advisory locks: one place, so that no two uses share one. */
export const advisoryLock = {
  /** One process migrates at a time. */
  migrate: 7_236_001,
  /** Held by `serve` on the embedded server; in the gateway's database. */
  serve: 7_236_002,
  /** Shared by every process that uses the embedded server; exclusive by the one that stops it. */
  embeddedUse: 7_236_003,
  /** First steps in a new embedded cluster. */
  embeddedSetup: 7_236_004,
  /** One process makes partitions at a time. */
  partitions: 7_236_005,
} as const
