import processOnSpawn from 'process-on-spawn'

// Loaded before each test (.taprc). Into every process that a test starts tap puts a loader that watches what is
// covered; it doubles the time of a start, and of coverage nothing is made here.
processOnSpawn.removeAllListeners()
delete process.env['NODE_OPTIONS']
