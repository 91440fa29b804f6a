import { createHash, randomBytes } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { crc32, deflateRawSync } from 'node:zlib'
import t from 'tap'
import { firstIdAt, newId } from '../src/base/id.ts'
import { contentType, SNIFFED_HEAD_BYTES, SNIFFED_TAIL_BYTES } from '../src/materials/content-type.ts'
import { type FileFacts, Files, FileTooLarge } from '../src/materials/files.ts'

const MiB = 1_048_576
const noCheck = (): void => undefined

async function folder(t: { teardown(work: () => Promise<void>): unknown }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bdc-files-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

async function* chunked(bytes: Buffer, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Every file below a folder. */
async function below(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

await t.test(
  'a file is read back whole, its digests are those of the clear bytes, and on the disk it is sealed',
  async (t) => {
    const dir = await folder(t)
    const files = new Files(join(dir, 'materials'))
    const marker = Buffer.from('柯𠮷明 42022219030512001X')
    for (const bytes of [marker, Buffer.concat([randomBytes(200_000), marker, randomBytes(65_536)]), Buffer.alloc(0)]) {
      const id = newId()
      let seen: FileFacts | undefined
      const { key, ...facts } = await files.store(chunked(bytes), id, MiB, (given) => {
        seen = given
      })
      t.strictSame(facts, seen)
      t.equal(facts.sizeBytes, bytes.length)
      t.strictSame(facts.sha256, createHash('sha256').update(bytes).digest())
      t.strictSame(facts.sm3, createHash('sm3').update(bytes).digest())
      t.strictSame(facts.head, bytes.subarray(0, SNIFFED_HEAD_BYTES))
      t.strictSame(facts.tail, bytes.subarray(-SNIFFED_TAIL_BYTES))
      t.strictSame(await buffer(files.read(id, key)), bytes)
      await t.rejects(buffer(files.read(id, randomBytes(32))), { name: 'FileSealBroken' }, 'its key opens no other')
    }
    const paths = await below(dir)
    t.equal(paths.length, 3)
    for (const path of paths) {
      t.notOk((await readFile(path)).includes(marker.subarray(0, 9)))
      if (process.platform !== 'win32') t.equal((await stat(path)).mode & 0o077, 0, 'for this account alone')
    }
  },
)

await t.test('a file over the limit leaves nothing, and its source is not read to the end', async (t) => {
  const dir = await folder(t)
  const files = new Files(dir)
  let pulled = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      pulled += 1
      yield Buffer.alloc(10_000)
    }
  }
  t.type(await files.store(endless(), newId(), MiB, noCheck).catch((error: unknown) => error), FileTooLarge)
  t.ok(pulled < 200, 'it stops soon after the limit')
  t.strictSame(await below(dir), [])
  const exact = await files.store(chunked(Buffer.alloc(MiB)), newId(), MiB, noCheck)
  t.equal(exact.sizeBytes, MiB, 'the limit itself is allowed')
})

await t.test('a check that throws, or a source that breaks, leaves nothing', async (t) => {
  const dir = await folder(t)
  const files = new Files(dir)
  const refusal = new Error('not as described')
  await t.rejects(
    files.store(chunked(randomBytes(100_000)), newId(), MiB, () => {
      throw refusal
    }),
    refusal,
  )
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield randomBytes(100_000)
    throw new Error('the caller hung up')
  }
  await t.rejects(files.store(breaking(), newId(), MiB, noCheck), /hung up/)
  t.strictSame(await below(dir), [])
})

await t.test('a file that was cut short, changed, swapped or lost is never taken for whole', async (t) => {
  const dir = await folder(t)
  const files = new Files(dir)
  const [id, other] = [newId(), newId()]
  const bytes = randomBytes(300_000)
  const { key } = await files.store(chunked(bytes), id, MiB, noCheck)
  const second = await files.store(chunked(bytes), other, MiB, noCheck)
  const path = (await below(dir)).find((one) => one.endsWith(id)) ?? ''
  const sealed = await readFile(path)
  for (const length of [sealed.length - 1, sealed.length - 70_000, 8 + 4 * (65_536 + 16), 8 + 65_536 + 16, 5, 0]) {
    await writeFile(path, sealed)
    truncateSync(path, length)
    await t.rejects(buffer(files.read(id, key)), { name: 'FileSealBroken' }, `cut to ${length} bytes`)
  }
  const changed = Buffer.from(sealed)
  changed[100_000] = (changed[100_000] as number) ^ 1
  await writeFile(path, changed)
  await t.rejects(buffer(files.read(id, key)), { name: 'FileSealBroken' })
  await writeFile(path, sealed)
  await t.rejects(buffer(files.read(other, key)), { name: 'FileSealBroken' }, 'the same bytes, another file')
  t.strictSame(await buffer(files.read(other, second.key)), bytes)
  await files.remove(other)
  await t.rejects(buffer(files.read(other, second.key)), { code: 'ENOENT' })
  await files.remove(other)
})

await t.test('the sweep takes old files that no row names, and keeps the known and the young', async (t) => {
  const dir = await folder(t)
  const files = new Files(dir)
  const HOUR = 3_600_000
  const now = Date.now()
  const idAt = (hoursAgo: number, last: string): string => firstIdAt(now - hoursAgo * HOUR).slice(0, -2) + last
  const known = [idAt(10, 'aa'), idAt(11, 'bb')]
  const orphans = [idAt(7, 'aa'), idAt(100, 'cc')]
  const young = [idAt(5, 'aa'), idAt(0, 'dd')]
  for (const id of [...known, ...orphans, ...young]) await files.store(chunked(Buffer.from('x')), id, MiB, noCheck)
  // What a process that was killed in the middle of an upload left, and what is none of ours.
  await writeFile(join(dir, 'aa', `${idAt(8, 'aa')}.part`), 'half')
  await writeFile(join(dir, 'aa', `${known[0]}.part`), 'half of an id that has a row')
  await writeFile(join(dir, 'aa', `${idAt(1, 'aa')}.part`), 'being uploaded')
  await writeFile(join(dir, 'README'), 'not ours')
  await writeFile(join(dir, 'aa', 'note.txt'), 'not ours')
  const asked: string[] = []
  const isKnown = async (ids: string[]): Promise<Set<string>> => {
    asked.push(...ids)
    return new Set(ids.filter((id) => known.includes(id)))
  }
  t.equal(await files.sweep(now, 6 * HOUR, isKnown), 4)
  t.notOk(
    asked.some((id) => young.includes(id)),
    'the young are not even asked about',
  )
  const left = (await below(dir)).map((path) => path.slice(dir.length + 1)).sort()
  t.strictSame(
    left,
    [
      'README',
      'aa/note.txt',
      `aa/${idAt(1, 'aa')}.part`,
      ...[...known, ...young].map((id) => `${id.slice(-2)}/${id}`),
    ].sort(),
  )
  t.equal(await files.sweep(now, 6 * HOUR, isKnown), 0)
  t.equal(await new Files(join(dir, 'never made')).sweep(now, HOUR, isKnown), 0)
})

/** A ZIP of these files, deflated. */
function zip(entries: Record<string, string>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(entries)) {
    const body = deflateRawSync(text)
    const head = Buffer.alloc(26)
    head.writeUInt16LE(20, 0)
    head.writeUInt16LE(8, 4)
    head.writeUInt32LE(crc32(text), 10)
    head.writeUInt32LE(body.length, 14)
    head.writeUInt32LE(Buffer.byteLength(text), 18)
    head.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), head, Buffer.from(name), body])
    const central = Buffer.alloc(14)
    central.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), head, central, Buffer.from(name)]))
    parts.push(local)
    offset += local.length
  }
  const all = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(directory.length, 4)
  end.writeUInt16LE(directory.length, 6)
  end.writeUInt32LE(all.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, all, Buffer.from('PK\x05\x06'), end])
}

await t.test('what a file is, its content says', async (t) => {
  const files = new Files(await folder(t))
  const typeOf = async (bytes: Buffer): Promise<string | null> => {
    const { head, tail } = await files.store(chunked(bytes), newId(), 10 * MiB, noCheck)
    return contentType(head, tail)
  }
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100', 'hex')
  const pages = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`Doc_0/Pages/Page_${i}.xml`, randomBytes(9000).toString('hex')]),
  )
  const kinds: [string, Buffer, string | null][] = [
    ['a PDF', Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(100_000)]), 'application/pdf'],
    [
      'a PDF behind a scanner’s bytes',
      Buffer.concat([Buffer.alloc(900, 0x20), Buffer.from('%PDF-1.4')]),
      'application/pdf',
    ],
    ['%PDF- too far in', Buffer.concat([Buffer.alloc(1020, 0x20), Buffer.from('%PDF-1.4')]), null],
    ['an OFD', zip({ 'OFD.xml': '<ofd:OFD/>', 'Doc_0/Document.xml': '<x/>' }), 'application/ofd'],
    ['an OFD whose OFD.xml is packed last', zip({ ...pages, 'OFD.xml': '<ofd:OFD/>' }), 'application/ofd'],
    ['another ZIP', zip({ 'word/document.xml': '<x/>' }), null],
    ['an empty ZIP that talks of OFD', Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.from('OFD.xml')]), null],
    ['a JPEG', Buffer.concat([jpeg, randomBytes(5000)]), 'image/jpeg'],
    ['a PNG, named as one pleases', Buffer.concat([png, randomBytes(5000)]), 'image/png'],
    [
      'a PNG whose text holds %PDF-',
      Buffer.concat([png, Buffer.from('tEXtComment\0%PDF-1.4'), randomBytes(50)]),
      'image/png',
    ],
    ['a JPEG whose comment holds %PDF-', Buffer.concat([jpeg, Buffer.from('%PDF-1.4'), randomBytes(50)]), 'image/jpeg'],
    ['a program', Buffer.from('7f454c4602010100', 'hex'), null],
    ['a web page', Buffer.from('<!doctype html><script>'), null],
    ['a PNG cut within its signature', png.subarray(0, 6), null],
    ['nothing', Buffer.alloc(0), null],
  ]
  for (const [name, bytes, type] of kinds) t.equal(await typeOf(bytes), type, name)
})
