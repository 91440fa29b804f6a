import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

import { Fault, type Setting } from './setting-kinds.ts'
import { settings } from './settings.ts'

// The package's folder, from the sources and from dist alike.
const root = fileURLToPath(new URL(import.meta.url.endsWith('/dist/src/config.js') ? '../..' : '..', import.meta.url))

type Values = { [K in keyof typeof settings]: (typeof settings)[K] extends Setting<infer T> ? T : never }

export interface Config extends Values {
  /** Folders that ship with the gateway. */
  mappingsDir: string
  schemasDir: string
  /** Rule files of certification authorities. */
  certsDir: string
}

/** Wrong settings, all at once. */
export class ConfigurationError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`配置有误 / wrong configuration:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.faults = faults
  }
}

/**
 * Reads file and environment. `overrides` (of the demo and of tests) win over both.
 * @throws {ConfigurationError} naming every bad, unknown or contradicting setting at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv, overrides: Partial<Values> = {}): Config {
  const faults: string[] = []
  const file = readFile(env.GATEWAY_CONFIG, faults)
  for (const key of Object.keys(file)) {
    if (!Object.hasOwn(settings, key)) faults.push(`${key} (file): no such setting`)
  }
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(settings) as [keyof Values, Setting<unknown>][]) {
    const fromEnvironment = env[setting.variable]
    const raw = fromEnvironment ?? file[key]
    const value = raw === undefined ? setting.fallback : setting.read(raw)
    if (value instanceof Fault) {
      const shown = setting.secret ? 'the value' : JSON.stringify(raw)
      faults.push(`${fromEnvironment === undefined ? `${key} (file)` : setting.variable}: ${shown} ${value.sentence}`)
    } else values[key] = value
  }
  const config = { ...values, ...overrides } as Values
  faults.push(...contradictions(config))
  if (faults.length > 0) throw new ConfigurationError(faults)
  return {
    ...config,
    dataDir: resolve(config.dataDir),
    mappingsDir: join(root, 'mappings'),
    schemasDir: join(root, 'schemas'),
    certsDir: join(root, 'certs'),
  }
}

function readFile(path: string | undefined, faults: string[]): Record<string, unknown> {
  if (path === undefined || path === '') return {}
  if (!existsSync(path)) {
    faults.push(`GATEWAY_CONFIG: no file ${path}`)
    return {}
  }
  try {
    const document: unknown = parse(readFileSync(path, 'utf8')) ?? {}
    if (typeof document === 'object' && !Array.isArray(document)) return document as Record<string, unknown>
    faults.push(`GATEWAY_CONFIG: ${path} must hold a map of settings`)
  } catch (error) {
    // Not the parser's own words: they quote the file, and a secret may stand there.
    const [line] = (error as { linePos?: { line: number }[] }).linePos ?? []
    faults.push(`GATEWAY_CONFIG: ${path} is no YAML${line === undefined ? '' : ` (line ${line.line})`}`)
  }
  return {}
}

/** Settings that are each right but do not fit together; one that is wrong by itself is undefined here and fits all. */
function contradictions(config: Values): string[] {
  const faults: string[] = []
  if (config.registryMaximumMs < config.registryTimeoutMs) {
    faults.push(
      'REGISTRY_MAXIMUM_MS: must not be less than REGISTRY_TIMEOUT_MS, or a look-up could come before the effect',
    )
  }
  if (config.backoffCapMs < config.backoffMs)
    faults.push('DELIVERY_BACKOFF_CAP_MS: must not be less than DELIVERY_BACKOFF_MS')
  if (config.eventWaiters >= config.requestsAtOnce)
    faults.push('EVENT_WAITERS: must be less than REQUESTS_AT_ONCE, or those who wait leave no room for others')
  if (config.pollCapMs < config.pollFirstMs) faults.push('POLL_CAP_MS: must not be less than POLL_FIRST_MS')
  return faults
}

/** One line a setting: name, effective value (secrets as set / not set), unit and sentence. */
export function describeConfig(config: Config): string {
  return (Object.entries(settings) as [keyof Values, Setting<unknown>][])
    .map(([key, setting]) => {
      const value = config[key]
      const shown = setting.secret
        ? value === null
          ? 'not set'
          : 'set'
        : value === null
          ? 'not set'
          : JSON.stringify(value)
      return `${setting.variable}=${shown}${setting.unit === undefined ? '' : ` ${setting.unit}`}\n    ${setting.about}`
    })
    .join('\n')
}
