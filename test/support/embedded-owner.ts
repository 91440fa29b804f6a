// A process that owns an embedded server as `serve` does, to be killed, or to run as another user.
// Arguments: data folder, "lock" to hold the serve lock too.
import { openEmbedded } from '../../src/db/embedded.ts'
import { serveLock } from '../../src/db/serve-lock.ts'
import { silentLog } from './silent-log.ts'

const [dataDir = '', mode] = process.argv.slice(2)
try {
  const embedded = await openEmbedded({ dataDir, log: silentLog })
  const { url, adopted } = embedded
  const lock =
    mode === 'lock' ? await serveLock({ url, folder: dataDir, log: silentLog, onLost: () => process.exit(3) }) : null
  process.on('message', () => {
    void (async () => {
      await lock?.release()
      await embedded.close()
      process.disconnect()
    })()
  })
  process.send?.({ url, adopted, uid: process.getuid?.() })
} catch (error) {
  process.send?.({ error: (error as Error).message })
  process.disconnect()
}
