/** A family of numbers as Prometheus reads it; a room gives its own, the HTTP edge writes them out. */
export interface Metric {
  /** In `snake_case` with its base unit; a counter ends in `_total`. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string
  /** Names of ours only: routes, endpoints, states. Never of a person, a bank or a property. */
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

type Labels = Record<string, string>

export function counter(name: string, help: string, ...samples: [value: number, labels?: Labels][]): Metric {
  return { name, type: 'counter', help, samples: samples.map(toSample) }
}

export function gauge(name: string, help: string, ...samples: [value: number, labels?: Labels][]): Metric {
  return { name, type: 'gauge', help, samples: samples.map(toSample) }
}

function toSample([value, labels]: [value: number, labels?: Labels]): Sample {
  return labels === undefined ? { value } : { value, labels }
}

/** The text exposition format, version 0.0.4. */
export function exposition(metrics: readonly Metric[]): string {
  const lines: string[] = []
  for (const { name, type, help, samples } of metrics) {
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`)
    for (const { suffix = '', labels = {}, value } of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
      lines.push(`${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
