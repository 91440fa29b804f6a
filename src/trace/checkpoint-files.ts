import { X509Certificate } from 'node:crypto'
import { mkdir, open, opendir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificateResolver } from './checkpoint.ts'

/**
 * The folder outside the database: `checkpoint-<size>.json`, `latest` (the newest one again) and `<keyid>.pem`. Written
 * only by the node that has the turn, so that temporary names may be fixed.
 */
export const checkpointFile = (size: number): string => `checkpoint-${size}.json`
export const LATEST_FILE = 'latest'
const certificateFile = (keyid: string): string => `${keyid}.pem`

/** The file's content; null when there is none. */
export async function readIfThere(dir: string, name: string): Promise<Buffer | null> {
  try {
    return await readFile(join(dir, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * Durable under its name or not there at all: a temporary file, fsync, rename, fsync of the folder. For all to read, as
 * nothing in it is secret: a command of another user's must leave no `latest` that the service cannot open.
 */
export async function writeDurably(dir: string, name: string, content: string | Buffer): Promise<void> {
  const temporary = join(dir, `.${name}.tmp`)
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(content)
    // The mode of an open is cut by the umask.
    await file.chmod(0o644)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(dir, name))
  // Windows has no fsync of a folder; there the rename is as durable as it gets.
  if (process.platform === 'win32') return
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export async function makeCheckpointDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
}

/** Puts the certificate of a signing key beside the checkpoints, once. */
export async function writeCertificate(dir: string, keyid: string, der: Buffer): Promise<void> {
  const name = certificateFile(keyid)
  if ((await readIfThere(dir, name)) !== null) return
  await writeDurably(dir, name, `${new X509Certificate(der).toString().trimEnd()}\n`)
}

/** Sizes of the numbered files, in the folder's order. */
export async function* checkpointFileSizes(dir: string): AsyncGenerator<number> {
  let folder: Awaited<ReturnType<typeof opendir>>
  try {
    folder = await opendir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  for await (const { name } of folder) {
    const digits = /^checkpoint-(0|[1-9]\d{0,15})\.json$/.exec(name)?.[1]
    if (digits !== undefined && Number.isSafeInteger(Number(digits))) yield Number(digits)
  }
}

/**
 * Certificates as `<keyid>.pem` in a folder. Whoever can write the folder decides whom it trusts, so for an independent
 * check it is not the one of the checkpoints.
 */
export function certificatesIn(dir: string): CertificateResolver {
  const known = new Map<string, Buffer | null>()
  return async (keyid) => {
    if (!/^[0-9a-f]{64}$/.test(keyid)) return null
    let der = known.get(keyid)
    if (der === undefined) {
      const pem = await readIfThere(dir, certificateFile(keyid))
      der = pem === null ? null : new X509Certificate(pem).raw
      known.set(keyid, der)
    }
    return der
  }
}

/** The certificates given, and no other. */
export function certificatesOf(ders: readonly { keyid: string; der: Buffer }[]): CertificateResolver {
  const known = new Map(ders.map(({ keyid, der }) => [keyid, der]))
  return (keyid) => known.get(keyid) ?? null
}
