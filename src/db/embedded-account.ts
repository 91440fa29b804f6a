import { execFile, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { StartRefused } from './start-refused.ts'

/** The account a server runs under when we are root; PostgreSQL refuses root itself. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Ran {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number
  readonly output: string
}

/**
 * Runs one of the server's programs to its end, in a session of its own, so that Ctrl-C at our terminal is ours alone.
 * Its environment is bare: no secret of ours in the server's memory, no PG… variable that changes what it does.
 */
export function run(program: string, args: readonly string[], account: Account | null): Promise<Ran> {
  const { PATH, SystemRoot, TEMP } = process.env
  const env = { PATH, SystemRoot, TEMP, LC_ALL: 'C' }
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      windowsHide: true,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(account === null ? {} : { uid: account.uid | 0, gid: account.gid | 0 }),
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      if (output.length < 20_000) output += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, output: output.trim() }))
  })
}

/**
 * Null when the server runs as ourselves. As root it is the owner of an existing cluster, so that `sudo` on a service's
 * folder works, else `nobody`.
 */
export async function serverAccount(clusterFolder: string): Promise<Account | null> {
  if (process.getuid === undefined) return null
  const owner = await stat(clusterFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (process.getuid() !== 0) {
    if (owner === null || owner.uid === process.getuid()) return null
    throw new StartRefused('cluster-of-another-user', {
      zh: `数据库目录 ${clusterFolder} 属于其他系统用户（uid ${owner.uid}）。请以该用户运行，或执行：sudo chown -R $(id -un) '${dirname(clusterFolder)}'`,
      en: `The database folder ${clusterFolder} belongs to another user (uid ${owner.uid}). Run as that user, or: sudo chown -R $(id -un) '${dirname(clusterFolder)}'`,
    })
  }
  if (owner?.uid === 0) {
    throw new StartRefused('cluster-of-root', {
      zh: `数据库目录 ${clusterFolder} 属于 root，而 PostgreSQL 不能以 root 运行。请执行：chown -R nobody '${clusterFolder}'`,
      en: `The database folder ${clusterFolder} belongs to root, under which PostgreSQL does not run. Please: chown -R nobody '${clusterFolder}'`,
    })
  }
  return owner === null ? nobody() : { uid: owner.uid, gid: owner.gid }
}

async function nobody(): Promise<Account> {
  const ask = async (what: '-u' | '-g'): Promise<number> =>
    Number((await promisify(execFile)('id', [what, 'nobody'])).stdout)
  try {
    return { uid: await ask('-u'), gid: await ask('-g') }
  } catch (error) {
    throw new StartRefused(
      'no-account-for-postgres',
      {
        zh: 'PostgreSQL 不能以 root 运行，而本机没有 nobody 用户。请以普通用户运行网关，或用 DATABASE_URL 指定数据库。',
        en: 'PostgreSQL does not run as root, and this machine has no user "nobody". Run the gateway as an ordinary user, or name a server by DATABASE_URL.',
      },
      error,
    )
  }
}

/** The topmost folder on the way to `path` that the account cannot pass; null when it reaches `path`. */
export async function blockingFolder(path: string, account: Account | null): Promise<string | null> {
  if (account === null) return null
  const way: string[] = [path]
  for (let at = path; at !== dirname(at); at = dirname(at)) way.unshift(dirname(at))
  const script = 'for d in "$@"; do if [ ! -x "$d" ]; then printf %s "$d"; exit 0; fi; done'
  const { code, output } = await run('/bin/sh', ['-c', script, 'sh', ...way], account)
  if (code !== 0) throw new Error(`could not look at ${path} as uid ${account.uid}: ${output}`)
  return output === '' ? null : output
}
