import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../base/json.ts'

/** A material file by its UNID. */
export interface HeldFile {
  unid: string
  contentType: string
  sizeBytes: number
  sha256: string
  /** How often it was sent. */
  puts: number
}

/** A message that was taken, with the acknowledgement that every repetition gets again. */
export interface HeldMessage {
  type: string
  unid: string
  /** The platform's number of the case; given to a type 10, named by all others. */
  sn: string
  message: JsonObject
  acknowledgement: JsonObject
  receivedAt: string
}

/** What the platform has in its folder; a restart finds everything again. */
export interface PlatformStore {
  files: Map<string, HeldFile>
  /** By unid, in the order in which they came. */
  messages: Map<string, HeldMessage>
  saveFile(unid: string, contentType: string, bytes: Buffer): HeldFile
  saveMessage(message: HeldMessage): void
}

export function openPlatformStore(folder: string): PlatformStore {
  const filesFolder = join(folder, 'files')
  mkdirSync(filesFolder, { recursive: true, mode: 0o700 })
  const messagesFile = join(folder, 'messages.jsonl')
  const filesFile = join(folder, 'files.jsonl')
  const store: PlatformStore = {
    files: new Map(readLines<HeldFile>(filesFile).map((file) => [file.unid, file])),
    messages: new Map(readLines<HeldMessage>(messagesFile).map((message) => [message.unid, message])),
    saveFile(unid, contentType, bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const puts = (store.files.get(unid)?.puts ?? 0) + 1
      const held: HeldFile = { unid, contentType, sizeBytes: bytes.length, sha256, puts }
      if (store.files.get(unid)?.sha256 !== sha256) writeFileSync(join(filesFolder, unid), bytes, { mode: 0o600 })
      appendFileSync(filesFile, `${JSON.stringify(held)}\n`, { mode: 0o600 })
      store.files.set(unid, held)
      return held
    },
    saveMessage(message) {
      appendFileSync(messagesFile, `${JSON.stringify(message)}\n`, { mode: 0o600 })
      store.messages.set(message.unid, message)
    },
  }
  return store
}

function readLines<Line>(file: string): Line[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Line)
}
