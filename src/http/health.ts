import type { FastifyInstance } from 'fastify'
import { getLive, getReady } from './openapi/operation.ts'

/** Each answers true, or does not throw, while its part of the gateway works. */
export type Checks = Record<string, () => boolean | void | Promise<boolean | void>>

const CHECK_TIMEOUT_MS = 2000

/**
 * GET /livez: the process answers. GET /readyz: every part works; else 503 with the names of those that do not.
 * @param spares parts without which all goes on, only slower: named under `degraded`, and no reason for a 503.
 */
export function openHealth(server: FastifyInstance, checks: Checks, spares: Checks = {}): void {
  // Told even when requests are turned away: a busy process is alive, and no better place to go to is known.
  server.get('/livez', { config: { unbounded: true, api: getLive } }, async () => ({ live: true }))

  server.get('/readyz', { config: { unbounded: true, api: getReady } }, async (_request, reply) => {
    const [results, degradable] = await Promise.all([outcomes(checks), outcomes(spares)])
    const ready = results.every(([, ok]) => ok)
    const degraded = degradable.filter(([, ok]) => !ok).map(([name]) => name)
    return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(results), degraded })
  })
}

function outcomes(checks: Checks): Promise<[name: string, ok: boolean][]> {
  return Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await passes(check)]))
}

async function passes(check: Checks[string]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS)
  })
  try {
    return await Promise.race([Promise.resolve(check()).then((result) => result !== false), late])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
