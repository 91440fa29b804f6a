import { loadConfig } from '../config.ts'
import { openGateway } from '../gateway.ts'
import { openLogger } from '../logger.ts'

/**
 * `bdc-gateway serve`: runs until it is told to stop. The first SIGTERM or SIGINT takes nothing new, finishes or hands
 * back what is in flight, and closes; a second one ends at once, which the store is made to survive.
 */
export async function run(_args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const config = loadConfig(env)
  const log = openLogger(config.logLevel)
  let lost: Error | null = null
  const stop = new AbortController()
  const gateway = await openGateway(config, log, {
    onLockLost: (error) => {
      lost = error
      stop.abort()
    },
  })
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'stopping')
    if (stop.signal.aborted) process.exit(1)
    stop.abort()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (!stop.signal.aborted)
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }))
  await gateway.close()
  process.off('SIGTERM', onSignal)
  process.off('SIGINT', onSignal)
  if (lost === null) return 0
  throw lost
}
