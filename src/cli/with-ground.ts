import { loadConfig } from '../config.ts'
import { type Ground, openGround } from '../ground.ts'
import { openLogger } from '../logger.ts'

/** Does its work on the store, beside a running gateway or alone; the embedded server is adopted or started. */
export async function withGround<T>(env: NodeJS.ProcessEnv, work: (ground: Ground) => Promise<T>): Promise<T> {
  const ground = await openGround(loadConfig(env), openLogger('silent', 2), { serves: false })
  try {
    return await work(ground)
  } finally {
    await ground.close()
  }
}
