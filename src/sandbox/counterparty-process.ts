import { parseArgs } from 'node:util'
import type { JsonObject } from '../base/json.ts'
import { type Counterparty, serveCounterparty } from './counterparty-server.ts'

export interface CounterpartyArguments {
  port: number
  dir: string
  /** The counterparty's own settings. */
  config: JsonObject
}

/**
 * Runs a counterparty as the process that it is: `--port N --dir FOLDER [--json SETTINGS] [--gateway-cert PEM-FILE]`.
 * Prints one JSON line `{"port": …}` when it listens; ends on SIGTERM, SIGINT and when its parent's end of stdin closes.
 */
export async function runCounterparty(
  open: (given: CounterpartyArguments) => Counterparty | Promise<Counterparty>,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      dir: { type: 'string' },
      json: { type: 'string' },
      'gateway-cert': { type: 'string' },
    },
  })
  const { 'gateway-cert': gatewayCertificate } = values
  if (values.dir === undefined) throw new Error('--dir FOLDER is needed')
  const settings = JSON.parse(values.json ?? '{}') as JsonObject
  const config = gatewayCertificate === undefined ? settings : { ...settings, gatewayCertificate }
  const port = Number(values.port ?? 0)
  const server = await serveCounterparty(await open({ port, dir: values.dir, config }), port)
  const stop = (): void => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.stdin.once('end', stop)
  process.stdin.once('close', stop)
  process.stdin.resume()
  process.stdout.write(`${JSON.stringify({ port: server.port })}\n`)
}
