import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_MS = 10
const CAP_MS = 100

/**
 * Waits until the condition holds; @throws after `limitMs`. One that has to ask somebody is asked less and less often:
 * a signed call every 10 ms keeps a core busy with waiting.
 */
export async function until(condition: () => unknown, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs
  for (let waitMs = FIRST_MS; ; ) {
    const found = condition()
    if (await found) return
    if (performance.now() > end) throw new Error(`did not come to hold within ${limitMs} ms: ${condition.toString()}`)
    await sleep(waitMs)
    if (found instanceof Promise) waitMs = Math.min(waitMs * 1.5, CAP_MS)
  }
}
