import { open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './embedded-account.ts'
import { type Cluster, isProcess } from './embedded-cluster.ts'
import { StartRefused } from './start-refused.ts'

/**
 * What we promise of the server, on its command line, where neither postgresql.conf nor ALTER SYSTEM can undo it: it is
 * reached over 127.0.0.1 only, a commit is durable, and no value of a statement can come into its log: no statements,
 * no parameters, no details, and of messages only LOG and worse, since an ERROR can quote what it refuses.
 */
const promises = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  ssl: 'off',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  log_duration: 'off',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_transaction_sample_rate: '0',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_autovacuum_min_duration: '-1',
  log_checkpoints: 'off',
  log_lock_waits: 'off',
  log_temp_files: '-1',
  shared_preload_libraries: '',
  session_preload_libraries: '',
  local_preload_libraries: '',
  allow_alter_system: 'off',
}

export interface PidFile {
  readonly pid: number
  readonly port: number
}

/** The server that lives in the cluster, by its pid file; null when there is none, or the file is stale. */
export async function runningServer(cluster: Cluster): Promise<PidFile | null> {
  const file = join(cluster.data, 'postmaster.pid')
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  const pid = Math.abs(Number(lines[0]))
  if (!Number.isInteger(pid) || pid === 0 || !isProcess(pid)) return null
  if (await isServerOf(pid, cluster)) return { pid, port: Number(lines[3] ?? 0) || 0 }
  // The number was given to another process meanwhile (after a reboot, or in a container), and PostgreSQL would not
  // start over that. A server without its file would still be told by its shared memory.
  await rm(file, { force: true })
  return null
}

async function isServerOf(pid: number, cluster: Cluster): Promise<boolean> {
  if (process.platform === 'win32') return true
  const command =
    process.platform === 'linux'
      ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      : (await run('ps', ['-ww', '-p', String(pid), '-o', 'command='], null)).output
  return command.includes('postgres') && command.includes(cluster.data)
}

/**
 * Starts the server and waits until it takes connections, crash recovery included. Ends without one when another
 * process was faster, or a former server's last processes have yet to end: then look and try again.
 * @param port 0 for the port of last time, or any that is free.
 */
export async function startServer(cluster: Cluster, port: number): Promise<'started' | 'again'> {
  const chosen = port === 0 ? await choosePort(cluster) : port
  const options = [`-p ${chosen}`, ...Object.entries(promises).map(([name, value]) => `-c ${name}=${value}`)].join(' ')
  const before = await sizeOf(cluster.logFile)
  const { code, output } = await run(
    cluster.binaries.pgCtl,
    ['start', '-w', '-s', '-t', '86400', '-D', cluster.data, '-l', cluster.logFile, '-o', options],
    cluster.account,
  )
  if (code === 0) {
    await writeFile(portFile(cluster), `${chosen}\n`, { mode: 0o600 })
    return 'started'
  }
  const said = await tail(cluster.logFile, before)
  if (/lock file "postmaster\.pid" already exists|pre-existing shared memory block/.test(said)) return 'again'
  if (/Address already in use|could not create any TCP\/IP sockets/.test(said)) {
    await rm(portFile(cluster), { force: true })
    return 'again'
  }
  throw new StartRefused('database-start-failed', {
    zh: `内置数据库无法启动（日志：${cluster.logFile}）：\n${output}\n${said}`,
    en: `The embedded database did not start; its log is ${cluster.logFile}, the end of it is above.`,
  })
}

/** Stops at once what runs, writes a checkpoint, and waits until the server's process is gone. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const running = await runningServer(cluster)
  const { code, output } = await run(
    cluster.binaries.pgCtl,
    ['stop', '-w', '-s', '-t', '600', '-m', 'fast', '-D', cluster.data],
    cluster.account,
  )
  if (code !== 0) throw new Error(`pg_ctl stop: ${output}`)
  // pg_ctl waits for the pid file to go, which is the server's last act but one.
  if (running === null) return
  for (let tries = 0; tries < 200; tries += 1) {
    if (!isProcess(running.pid) || !(await isServerOf(running.pid, cluster))) return
    await sleep(20)
  }
}

const LOG_LIMIT_BYTES = 5_000_000

/** Keeps the server's log to two files of about 5 MB. The server appends, so the file may be cut under it. */
export async function boundLog(cluster: Cluster): Promise<void> {
  if ((await sizeOf(cluster.logFile)) < LOG_LIMIT_BYTES) return
  const kept = await tail(cluster.logFile, 0, LOG_LIMIT_BYTES)
  const draft = `${cluster.logFile}.new`
  await writeFile(draft, kept, { mode: 0o600 })
  await rename(draft, `${cluster.logFile}.1`)
  await truncate(cluster.logFile, 0)
}

const portFile = (cluster: Cluster): string => join(cluster.folder, 'postgres.port')

async function choosePort(cluster: Cluster): Promise<number> {
  const kept = Number(await readFile(portFile(cluster), 'utf8').catch(() => '0'))
  if (Number.isInteger(kept) && kept > 0 && kept < 65_536) {
    const free = await freePort(kept).catch(() => 0)
    if (free !== 0) return free
  }
  return freePort(0)
}

function freePort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

/** What was written after `from`, at most the last `limit` bytes of it. */
async function tail(file: string, from: number, limit = 4000): Promise<string> {
  const size = await sizeOf(file)
  const start = Math.max(from, size - limit)
  if (size <= start) return ''
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.toString('utf8', 0, bytesRead).trim()
  } finally {
    await handle.close()
  }
}
