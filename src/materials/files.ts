import { createHash } from 'node:crypto'
import { createReadStream, type Dirent } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { idTimeMs, isUuid } from '../base/id.ts'
import { createOpener, createSealer, newFileKey } from '../db/file-seal.ts'
import { SNIFFED_HEAD_BYTES, SNIFFED_TAIL_BYTES } from './content-type.ts'

/** What was seen of a file while it went by. */
export interface FileFacts {
  sizeBytes: number
  sha256: Buffer
  sm3: Buffer
  head: Buffer
  tail: Buffer
}

export interface StoredFile extends FileFacts {
  /** 32 bytes; opens this file only. To be kept sealed. */
  key: Buffer
}

/** Thrown inside the stream when more bytes come than are allowed. */
export class FileTooLarge extends Error {}

/**
 * Sealed files in a folder, each under an id of ours. A file is written beside its place, synced, renamed and its folder
 * synced before anyone commits a row that names it; a file without a row is an orphan and swept.
 */
export class Files {
  readonly #dir: string
  readonly #folders = new Map<string, Promise<void>>()

  constructor(dir: string) {
    this.#dir = dir
  }

  /**
   * Stores the bytes of `source`. `check` sees what went by and may throw before the file takes its place.
   * @throws {FileTooLarge} and whatever `check` throws; nothing is left behind then.
   */
  async store(
    source: AsyncIterable<Uint8Array>,
    id: string,
    limitBytes: number,
    check: (facts: FileFacts) => void,
  ): Promise<StoredFile> {
    const folder = this.#folder(id)
    await this.#ready(folder)
    const temporary = join(folder, `${id}.part`)
    const key = newFileKey()
    const observer = new Observer(limitBytes)
    // Opened before anything flows: a source that broke at once would be over before a stream had made its file.
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await pipeline(source, observer, createSealer(key), handle.createWriteStream())
      const facts = observer.facts()
      check(facts)
      await syncFile(temporary)
      await rename(temporary, this.#path(id))
      await syncFolder(folder)
      return { ...facts, key }
    } catch (error) {
      await handle.close()
      await rm(temporary, { force: true })
      throw error
    }
  }

  /** The clear bytes of a file. That it is whole is known when the stream ends without error. */
  read(id: string, key: Buffer): Readable {
    const source = createReadStream(this.#path(id))
    const opener = createOpener(key)
    source.on('error', (error) => opener.destroy(error))
    opener.on('close', () => source.destroy())
    return source.pipe(opener)
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true })
  }

  /**
   * Removes files that no row names and that are older than `olderThanMs`; younger ones may be about to be committed.
   * @param isKnown tells which of the ids have rows.
   * @returns how many were removed.
   */
  async sweep(nowMs: number, olderThanMs: number, isKnown: (ids: string[]) => Promise<Set<string>>): Promise<number> {
    let removed = 0
    for (const folder of await list(this.#dir)) {
      if (!folder.isDirectory()) continue
      const path = join(this.#dir, folder.name)
      const old: { id: string; name: string }[] = []
      for (const entry of await list(path)) {
        const id = entry.name.replace(/\.part$/, '')
        if (isUuid(id) && nowMs - idTimeMs(id) > olderThanMs) old.push({ id, name: entry.name })
      }
      const known = old.length === 0 ? new Set<string>() : await isKnown(old.map(({ id }) => id))
      for (const { id, name } of old) {
        if (known.has(id) && !name.endsWith('.part')) continue
        await rm(join(path, name), { force: true })
        removed += 1
      }
    }
    return removed
  }

  /** Makes the folder and syncs those that name it, once a process: a file in a folder that a power cut forgets is lost. */
  async #ready(folder: string): Promise<void> {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 })
    if (made !== undefined || !this.#folders.has(folder)) {
      this.#folders.set(
        folder,
        syncFolder(this.#dir).then(() => syncFolder(dirname(this.#dir))),
      )
    }
    try {
      await this.#folders.get(folder)
    } catch (error) {
      this.#folders.delete(folder)
      throw error
    }
  }

  // The last two digits of an id are random: 256 folders of equal size.
  #folder(id: string): string {
    return join(this.#dir, id.slice(-2))
  }

  #path(id: string): string {
    return join(this.#folder(id), id)
  }
}

class Observer extends Transform {
  readonly #limitBytes: number
  readonly #sha256 = createHash('sha256')
  readonly #sm3 = createHash('sm3')
  #size = 0
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer[] = []
  #tailBytes = 0

  constructor(limitBytes: number) {
    super()
    this.#limitBytes = limitBytes
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error?: Error | null, data?: Buffer) => void): void {
    this.#size += chunk.length
    if (this.#size > this.#limitBytes) {
      done(new FileTooLarge(`more than ${this.#limitBytes} bytes`))
      return
    }
    this.#sha256.update(chunk)
    this.#sm3.update(chunk)
    if (this.#head.length < SNIFFED_HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, SNIFFED_HEAD_BYTES - this.#head.length)])
    }
    this.#tail.push(chunk)
    this.#tailBytes += chunk.length
    while (this.#tailBytes - (this.#tail[0]?.length ?? 0) >= SNIFFED_TAIL_BYTES) {
      this.#tailBytes -= this.#tail.shift()?.length ?? 0
    }
    done(null, chunk)
  }

  facts(): FileFacts {
    return {
      sizeBytes: this.#size,
      sha256: this.#sha256.digest(),
      sm3: this.#sm3.digest(),
      head: this.#head,
      tail: Buffer.concat(this.#tail).subarray(-SNIFFED_TAIL_BYTES),
    }
  }
}

async function list(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  // Folders cannot be opened for syncing on Windows.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
