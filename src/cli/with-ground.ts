import { loadConfig } from '../config.ts'
import { type Ground, openGround } from '../ground.ts'
import { openLogger } from '../logger.ts'

/**
 * Does its work on the store, beside a running gateway or alone; the embedded server is adopted or started.
 * @param options.mayCreate make the store where there is none; else a mistyped or unmounted folder is refused.
 * @throws {StartRefused} with what to do about it.
 */
export async function withGround<T>(
  env: NodeJS.ProcessEnv,
  work: (ground: Ground) => Promise<T>,
  options: { mayCreate?: boolean } = {},
): Promise<T> {
  const ground = await openGround(loadConfig(env), openLogger('silent', 2), {
    serves: false,
    mayCreate: options.mayCreate ?? false,
  })
  try {
    return await work(ground)
  } finally {
    await ground.close()
  }
}
