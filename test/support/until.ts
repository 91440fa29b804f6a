import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition holds; @throws after `limitMs`. */
export async function until(condition: () => unknown, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`did not come to hold within ${limitMs} ms: ${condition.toString()}`)
    await sleep(10)
  }
}
