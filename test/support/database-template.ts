import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { openKeyring } from '../../src/db/data-keys.ts'
import { openEmbedded } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { ensurePartitions, partitionedTables } from '../../src/db/partitions.ts'
import { openPool } from '../../src/db/pool.ts'
import { silentLog } from './silent-log.ts'

// Beside what is built, so that a new build makes it anew. The sources have no such place: each process makes its own.
const kept = import.meta.url.endsWith('.ts') ? null : fileURLToPath(new URL('../../template', import.meta.url))

/**
 * Fills a data folder with a stopped server whose database is migrated, with partitions made and keys in place.
 * @returns the master key of those keys.
 */
export async function fillFromTemplate(folder: string): Promise<Buffer> {
  if (kept === null) return makeTemplate(folder)
  if (!existsSync(kept)) {
    const draft = await mkdtemp(join(tmpdir(), 'bdc-template-'))
    try {
      await chmod(draft, 0o755)
      await makeTemplate(draft)
      await copy(draft, `${kept}.${process.pid}`)
      // Another test may have been faster; then its own counts.
      await rename(`${kept}.${process.pid}`, kept).catch(() => rm(`${kept}.${process.pid}`, { recursive: true }))
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  await copy(kept, folder)
  return readFile(join(folder, MASTER_KEY))
}

const MASTER_KEY = 'template-master-key'

async function makeTemplate(folder: string): Promise<Buffer> {
  const masterKey = randomBytes(32)
  const embedded = await openEmbedded({ dataDir: folder, log: silentLog })
  const pool = openPool({ url: embedded.url, max: 1, applicationName: 'template' })
  await migrate(pool)
  await ensurePartitions(pool, await partitionedTables(pool), new Date())
  await openKeyring({ masterKey, pool, clock: systemClock })
  await pool.end()
  await embedded.close()
  await writeFile(join(folder, MASTER_KEY), masterKey, { mode: 0o600 })
  return masterKey
}

/** With owners: as root the server's files are another user's. */
async function copy(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') return cp(from, to, { recursive: true })
  await promisify(execFile)('cp', ['-a', `${from}/.`, to])
}
