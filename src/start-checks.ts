import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Pool } from './db/pool.ts'
import { StartRefused } from './db/start-refused.ts'

/** A command on a mistyped or unmounted folder must not make a new, empty gateway there and call it whole. */
export function refuseUnusedFolder(dataDir: string): void {
  if (existsSync(join(dataDir, 'postgres'))) return
  throw new StartRefused('data-folder-unused', {
    zh: `${dataDir} 不是网关的数据文件夹（DATA_DIR）：请检查路径与挂载；首次使用请先运行 bdc-gateway serve 或 bank add。`,
    en: `${dataDir} is no gateway's data folder (DATA_DIR): check the path and the mount; at first use run bdc-gateway serve or bank add.`,
  })
}

/** The same for an external database. */
export async function refuseUnusedDatabase(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ used: boolean }>(`select to_regclass('schema_migration') is not null as used`)
  if (rows[0]?.used === true) return
  throw new StartRefused('database-unused', {
    zh: 'DATABASE_URL 指向的数据库尚无网关数据：请检查数据库名；首次使用请先运行 bdc-gateway serve 或 bank add。',
    en: 'The database that DATABASE_URL names holds no gateway: check its name; at first use run bdc-gateway serve or bank add.',
  })
}

/** A folder that a setting names is there, or something is wrong: made silently, nobody would be trusted. */
export function refuseMissingFolder(variable: string, folder: string): void {
  if (existsSync(folder)) return
  throw new StartRefused('folder-missing', {
    zh: `${variable} 指定的文件夹 ${folder} 不存在：请检查路径与挂载，或先建立该文件夹。`,
    en: `The folder ${folder} that ${variable} names is not there: check the path and the mount, or make it first.`,
  })
}

/** A command must not make keys for a gateway that has its own: what they sign, nobody could verify. */
export function refuseLostKeys(folder: string): void {
  if (existsSync(join(folder, 'p256.key.pem'))) return
  throw new StartRefused('signing-keys-missing', {
    zh: `${folder} 中没有网关的签名密钥：若密钥另有存放，请设置 SIGNING_DIR；若已丢失，请恢复备份，或重新启动 bdc-gateway serve 生成新密钥。`,
    en: `The gateway's signing keys are not in ${folder}: if they lie elsewhere, set SIGNING_DIR; if they are lost, restore them, or start bdc-gateway serve anew, which makes others.`,
  })
}

/** Several processes need a server that all of them reach, and one storage that is said to be shared. */
export function refuseRole({ role, databaseUrl, sharedStorage }: Config): void {
  if (databaseUrl === null && (role !== 'all' || sharedStorage)) {
    const [asked, needs] = role === 'all' ? ['SHARED_STORAGE=true', ''] : [`GATEWAY_ROLE=${role}`, ' GATEWAY_ROLE=all']
    throw new StartRefused('embedded-serves-one', {
      zh: `内嵌数据库只供一个网关进程使用，不能用于 ${asked}：请用 DATABASE_URL 指定数据库${needs === '' ? '' : `，或改用${needs}`}。`,
      en: `The embedded database serves one process, not ${asked}: name a server by DATABASE_URL${needs === '' ? '' : `, or use${needs}`}.`,
    })
  }
  if (role !== 'all' && !sharedStorage) {
    throw new StartRefused('storage-not-shared', {
      zh: `GATEWAY_ROLE=${role} 需与其他进程共用数据文件夹（DATA_DIR）：请把它放在各进程都能访问的共享存储上，并为每个进程设置 SHARED_STORAGE=true。`,
      en: `GATEWAY_ROLE=${role} shares the data folder (DATA_DIR) with other processes: put it on storage that all of them reach, and set SHARED_STORAGE=true for each.`,
    })
  }
}

/** What PostgreSQL or the network says of a connection that was refused, by code. */
const REFUSALS: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  '28P01': ['口令不正确', 'the password is wrong'],
  '28000': ['不接受该用户从此处登录（pg_hba.conf）', 'the user may not log in from here (pg_hba.conf)'],
  '3D000': ['数据库不存在', 'there is no such database'],
  '42501': ['权限不足', 'the user lacks a privilege'],
  '53300': ['连接数已满', 'all its connections are taken'],
  ECONNREFUSED: ['该地址无人监听', 'nobody listens at the address'],
  ENOTFOUND: ['主机名无法解析', 'the host name cannot be resolved'],
  EAI_AGAIN: ['主机名暂时无法解析', 'the host name cannot be resolved now'],
  ETIMEDOUT: ['连接超时', 'the connection timed out'],
  EHOSTUNREACH: ['主机不可达', 'the host cannot be reached'],
}

/** First use of the database: what goes wrong here is a setting or a server, and is said so. */
export async function reachable<T>(config: Config, use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (config.databaseUrl === null || error instanceof StartRefused) throw error
    const code = codeOf(error)
    const [zh, en] = REFUSALS[code] ?? ['无法连接', 'it cannot be reached']
    throw new StartRefused(
      'database-refused',
      {
        zh: `DATABASE_URL 指定的数据库连接失败：${zh}${code === '' ? '' : `（${code}）`}。`,
        en: `The database that DATABASE_URL names refuses the connection: ${en}${code === '' ? '' : ` (${code})`}.`,
      },
      error,
    )
  }
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** Why the gateway cannot listen. */
export function listenRefused(error: unknown, { host, port }: Config): unknown {
  const code = codeOf(error)
  const words: Readonly<Record<string, readonly [zh: string, en: string]>> = {
    EADDRINUSE: ['已被占用', 'is taken'],
    EACCES: ['无权监听', 'may not be listened on by this user'],
    EADDRNOTAVAIL: ['不是本机地址', 'is no address of this machine'],
    ENOTFOUND: ['无法解析', 'cannot be resolved'],
  }
  const [zh, en] = words[code] ?? []
  if (zh === undefined) return error
  return new StartRefused(
    'listen-refused',
    {
      zh: `监听地址 ${host}:${port} ${zh}（${code}）：请检查 GATEWAY_HOST 与 GATEWAY_PORT。`,
      en: `The address ${host}:${port} ${en} (${code}): check GATEWAY_HOST and GATEWAY_PORT.`,
    },
    error,
  )
}
