import type { FastifyInstance } from 'fastify'
import type { AddressList } from '../base/address-list.ts'
import { exposition, gauge, type Metric } from '../base/metric.ts'
import { Problem } from '../base/problem.ts'
import { getMetrics } from './openapi/operation.ts'

/** Each gives the numbers of its part of the gateway; one that fails or takes too long is told as down. */
export type Collectors = Record<string, () => Metric[] | Promise<Metric[]>>

const COLLECT_TIMEOUT_MS = 2000
/** What a proxy adds: then the connection's address is the proxy's, and says nothing of who asks. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/**
 * GET /metrics for the addresses of `allow`; to all others the address does not exist. However often it is asked, a
 * collector runs once at a time, so that a slow database is not asked again by every scrape.
 */
export function openMetrics(server: FastifyInstance, allow: AddressList, collectors: Collectors): void {
  const running = new Map<string, Promise<Metric[]>>()
  const collect = (name: string): Promise<Metric[]> => {
    const known = running.get(name)
    if (known !== undefined) return known
    const run = Promise.resolve()
      .then(collectors[name])
      .finally(() => running.delete(name))
    running.set(name, run)
    return run
  }

  server.get('/metrics', { config: { unbounded: true, api: getMetrics } }, async (request, reply) => {
    const isForwarded = FORWARDED.some((name) => request.headers[name] !== undefined)
    if (isForwarded || !allow.has(request.socket.remoteAddress ?? ''))
      throw new Problem('route-not-found', { zh: '该地址不存在', en: 'no such address' })
    const names = Object.keys(collectors)
    const collected = await Promise.all(names.map((name) => inTime(collect(name))))
    const up = gauge(
      'bdc_metrics_up',
      'Whether the numbers of this part could be read; 0: they are missing below.',
      ...names.map((name, i): [number, Record<string, string>] => [collected[i] === null ? 0 : 1, { part: name }]),
    )
    return reply
      .header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(exposition([up, ...collected.flatMap((metrics) => metrics ?? [])]))
  })
}

/** Null for what failed or was late. */
async function inTime(collecting: Promise<Metric[]>): Promise<Metric[] | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), COLLECT_TIMEOUT_MS)
  })
  try {
    return await Promise.race([collecting, late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
