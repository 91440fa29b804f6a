import type { FastifyInstance } from 'fastify'
import type { Metric, Sample } from '../base/metric.ts'

/** Upper bounds in seconds. A signed write commits in some ms; an upload may take minutes. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

interface Timed {
  counts: number[]
  sum: number
  count: number
}

/**
 * Counts requests by method, route pattern and status class, with their durations. What is not routed counts as route
 * `none`: an address that a caller made up is no label.
 * @returns what was counted so far.
 */
export function countRequests(server: FastifyInstance): () => Metric[] {
  const counted = new Map<string, { labels: Record<string, string>; value: number }>()
  const timed = new Map<string, { labels: Record<string, string>; times: Timed }>()
  let inFlight = 0

  server.addHook('onRequest', async (request, reply) => {
    const startedMs = performance.now()
    inFlight += 1
    // Not onResponse: a caller who hangs up never finishes the answer, but its connection always closes.
    reply.raw.once('close', () => {
      inFlight -= 1
      const seconds = (performance.now() - startedMs) / 1000
      const route = request.routeOptions.url ?? 'none'
      const { statusCode } = reply
      // A method that the address has not, or that has no address, is the caller's choice of words.
      const method = route === 'none' || statusCode === 405 ? 'any' : request.method
      const status = reply.raw.writableFinished ? `${Math.floor(statusCode / 100)}xx` : 'closed'
      count({ method, route, status })
      time({ method, route }, seconds)
    })
  })

  function count(labels: Record<string, string>): void {
    const key = Object.values(labels).join(' ')
    const known = counted.get(key)
    if (known === undefined) counted.set(key, { labels, value: 1 })
    else known.value += 1
  }

  function time(labels: Record<string, string>, seconds: number): void {
    const key = Object.values(labels).join(' ')
    let entry = timed.get(key)
    if (entry === undefined) {
      entry = { labels, times: { counts: BUCKETS.map(() => 0), sum: 0, count: 0 } }
      timed.set(key, entry)
    }
    const { times } = entry
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) times.counts[bucket] = (times.counts[bucket] ?? 0) + 1
    times.sum += seconds
    times.count += 1
  }

  return () => [
    {
      name: 'bdc_http_requests_total',
      type: 'counter',
      help: 'Requests ended, by route pattern and status class; closed: the caller hung up before the answer.',
      samples: [...counted.values()],
    },
    {
      name: 'bdc_http_request_duration_seconds',
      type: 'histogram',
      help: 'From the request line to the end of the answer.',
      samples: [...timed.values()].flatMap(({ labels, times }) => histogram(labels, times)),
    },
    {
      name: 'bdc_http_requests_in_flight',
      type: 'gauge',
      help: 'Requests being answered now.',
      samples: [{ value: inFlight }],
    },
  ]
}

function histogram(labels: Record<string, string>, { counts, sum, count }: Timed): Sample[] {
  let below = 0
  const buckets = BUCKETS.map((bound, i) => {
    below += counts[i] ?? 0
    return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below }
  })
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ]
}
