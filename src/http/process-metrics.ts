import { monitorEventLoopDelay } from 'node:perf_hooks'
import { counter, gauge, type Metric } from '../base/metric.ts'

const RESOLUTION_MS = 20

/** Memory, processor time and how late the event loop runs; of the loop since the last reading. */
export function processMetrics(): { read(): Metric[]; close(): void } {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const startedAt = Date.now() / 1000 - process.uptime()
  return {
    read: () => {
      // What is measured is the timer's own interval; only what goes beyond it is lag.
      const lag = (nanoseconds: number): number =>
        Number.isNaN(nanoseconds) ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000)
      const [p50, p99, most] = [lag(delay.percentile(50)), lag(delay.percentile(99)), lag(delay.max)]
      delay.reset()
      const memory = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return [
        gauge(
          'bdc_event_loop_lag_seconds',
          'How late the event loop ran since the last scrape.',
          [p50, { quantile: '0.5' }],
          [p99, { quantile: '0.99' }],
          [most, { quantile: '1' }],
        ),
        gauge('process_resident_memory_bytes', 'Memory of the process.', [memory.rss]),
        gauge('bdc_heap_used_bytes', 'JavaScript heap in use.', [memory.heapUsed]),
        gauge('bdc_heap_total_bytes', 'JavaScript heap reserved.', [memory.heapTotal]),
        gauge('bdc_external_memory_bytes', 'Memory outside the heap: buffers and bindings.', [memory.external]),
        counter('process_cpu_seconds_total', 'Processor time used.', [(user + system) / 1e6]),
        gauge('process_start_time_seconds', 'When the process started, seconds since 1970.', [startedAt]),
      ]
    },
    close: () => delay.disable(),
  }
}
