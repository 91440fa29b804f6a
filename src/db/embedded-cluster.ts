import { createHmac, randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Account, blockingFolder, run, serverAccount } from './embedded-account.ts'
import { type Binaries, locateBinaries } from './embedded-binaries.ts'
import type { Log } from './log.ts'
import { StartRefused } from './start-refused.ts'

/** A data folder with an initialised cluster in it; whether its server runs is another matter. */
export interface Cluster {
  /** The gateway's data folder, absolute, links resolved. */
  readonly folder: string
  /** PostgreSQL's own folder within it. */
  readonly data: string
  readonly logFile: string
  readonly account: Account | null
  readonly binaries: Binaries
  /** Of the superuser `postgres`, in `postgres.password`. */
  readonly password: string
  /** Of the role `gateway`, which owns the database and nothing else. */
  readonly gatewayPassword: string
}

/**
 * Finds or makes the cluster in `dataDir`. Two processes may do so at once: what both would make is made aside and put
 * in its place by one rename.
 * @throws {StartRefused} when the folder cannot serve.
 */
export async function prepareCluster(dataDir: string, log: Log): Promise<Cluster> {
  const folder = await prepareFolder(dataDir)
  const data = join(folder, 'postgres')
  const account = await serverAccount(data)
  await refuseUnreachable(folder, account, log)
  const binaries = await locateBinaries(folder, account)
  const exists = await isThere(data)
  const password = await loadPassword(join(folder, 'postgres.password'), !exists)
  if (!exists) await initialise(folder, data, binaries, account, password, log)
  await checkVersion(data, binaries)
  return {
    folder,
    data,
    logFile: join(data, 'server.log'),
    account,
    binaries,
    password,
    gatewayPassword: createHmac('sha256', password).update('gateway').digest('hex'),
  }
}

async function prepareFolder(dataDir: string): Promise<string> {
  const asked = resolve(dataDir)
  // pg_ctl hands its paths to a shell, in double quotes.
  if (process.platform !== 'win32' && /["$`\\\n\r]/.test(asked)) {
    throw new StartRefused('data-folder-name', {
      zh: `数据目录路径中不能含有 " $ \` \\ 或换行：${asked}`,
      en: `The path of the data folder must not contain " $ \` \\ or a line break: ${asked}`,
    })
  }
  const root = process.getuid?.() === 0
  const made = await mkdir(asked, { recursive: true, mode: root ? 0o711 : 0o700 })
  // The umask may have taken the right of passage that the server's account needs.
  if (root && made !== undefined) await chmod(asked, 0o711)
  return realpath(asked)
}

async function refuseUnreachable(folder: string, account: Account | null, log: Log): Promise<void> {
  const blocking = await blockingFolder(folder, account)
  if (account === null || blocking === null) return
  const { uid, mode } = await stat(folder)
  if (blocking === folder && uid === 0) {
    // Our own folder: passage through it, not a look into it; each file within has its own rights.
    await chmod(folder, (mode & 0o7777) | 0o011)
    log.info({ folder }, 'gave the account of PostgreSQL the right to pass through the data folder')
    if ((await blockingFolder(folder, account)) === null) return
  }
  throw new StartRefused('data-folder-unreachable', {
    zh: `以 root 启动时 PostgreSQL 以 uid ${account.uid} 运行，但该用户无法进入目录 ${blocking}，因此无法使用数据目录 ${folder}。请改用其他数据目录（例如 /var/lib/bdc-gateway），或以普通用户运行网关，或执行：chmod o+x '${blocking}'`,
    en: `Started as root, PostgreSQL runs as uid ${account.uid}, which cannot pass through ${blocking}, so the data folder ${folder} cannot be used. Choose another data folder (such as /var/lib/bdc-gateway), or run the gateway as an ordinary user, or: chmod o+x '${blocking}'`,
  })
}

async function loadPassword(file: string, mayCreate: boolean): Promise<string> {
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (known !== null) return known.trim()
  if (!mayCreate) {
    throw new StartRefused('database-password-missing', {
      zh: `找不到内置数据库的口令文件 ${file}，请从备份中恢复该文件。`,
      en: `The password file of the embedded database is missing: ${file}. Restore it from a backup.`,
    })
  }
  const draft = `${file}.${process.pid}`
  await writeFile(draft, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft)
  return (await readFile(file, 'utf8')).trim()
}

/** First values of postgresql.conf, which is the site's to tune; what we promise is on the server's command line. */
const tuning = ['shared_buffers=128MB', 'max_connections=60', 'wal_compression=on', 'max_parallel_workers_per_gather=0']

const initdbOptions = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=libc',
  '--data-checksums',
  '--no-instructions',
]

async function initialise(
  folder: string,
  data: string,
  binaries: Binaries,
  account: Account | null,
  password: string,
  log: Log,
): Promise<void> {
  log.info({ folder: data, version: binaries.version }, 'making a new embedded database')
  await removeLeftovers(folder)
  const draft = join(folder, `postgres.new-${process.pid}`)
  const passwordFile = join(folder, `postgres.init-${process.pid}`)
  await mkdir(draft, { mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  try {
    if (account !== null) {
      for (const path of [draft, passwordFile]) await chown(path, account.uid, account.gid)
    }
    const { code, output } = await run(
      binaries.initdb,
      [...initdbOptions, ...tuning.flatMap((setting) => ['--set', setting]), `--pwfile=${passwordFile}`, '-D', draft],
      account,
    )
    if (code !== 0) {
      throw new StartRefused('initdb-failed', {
        zh: `无法初始化内置数据库（${data}）：\n${output}`,
        en: `The embedded database could not be initialised in ${data}; see above.`,
      })
    }
    await rename(draft, data).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster: its cluster has the same password and counts.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

/** What a process that was killed while initialising left behind. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^postgres\.(?:new|init|password)[-.](\d+)$/.exec(name)?.[1]
    if (pid !== undefined && Number(pid) !== process.pid && !isProcess(Number(pid))) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

/** True while a process of that id lives, whosever it is. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function checkVersion(data: string, binaries: Binaries): Promise<void> {
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  if (found === String(binaries.major)) return
  throw new StartRefused('database-version', {
    zh: `数据目录 ${data} 由 PostgreSQL ${found} 创建，本网关内置 PostgreSQL ${binaries.major}。请用原版本网关导出数据后在新版本中导入；现有数据未改动。`,
    en: `The database in ${data} was made by PostgreSQL ${found}; this gateway brings PostgreSQL ${binaries.major}. Export with the former version and import with this one; nothing was changed.`,
  })
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
