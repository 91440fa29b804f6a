/** What a stop may take for all that is in flight, counted once from its beginning. */
export interface Grace {
  begin(): void
  /** All of it before it has begun. */
  leftMs(): number
}

export function graceOf(ms: number): Grace {
  let endMs: number | null = null
  return {
    begin: () => {
      endMs ??= performance.now() + ms
    },
    leftMs: () => (endMs === null ? ms : Math.max(0, endMs - performance.now())),
  }
}
