import { createPrivateKey, sign, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { Batch, type Rows } from '../../src/db/batch.ts'
import type { Pool } from '../../src/db/pool.ts'
import type { CertificateResolver, Signer } from '../../src/trace/checkpoint.ts'
import { certificatesOf } from '../../src/trace/checkpoint-files.ts'
import { type CheckpointMeans, makeCheckpoint } from '../../src/trace/checkpoint-maker.ts'
import { type Act, type TraceRecord, traceRecord } from '../../src/trace/record.ts'
import { sealPending } from '../../src/trace/sealer.ts'
import { type Verified, verifyTrace } from '../../src/trace/verify.ts'
import { createSelfSigned } from '../../src/trust/self-signed.ts'
import { type TestDatabase, testDatabase } from './database.ts'

type Test = { teardown(work: () => Promise<void>): unknown }

/** A P-256 key with a certificate that it signs itself. */
export async function testSigner(t: Test): Promise<Signer> {
  const folder = await mkdtemp(join(tmpdir(), 'bdc-signer-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await createSelfSigned(join(folder, 'signing'), 'trace test', new Date())
  const key = createPrivateKey(await readFile(join(folder, 'signing', 'p256.key.pem'), 'utf8'))
  const certificate = new X509Certificate(await readFile(join(folder, 'signing', 'p256.cert.pem')))
  return {
    keyid: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    algorithm: 'ecdsa-p256-sha256',
    certificateDer: certificate.raw,
    sign: (bytes) => Promise.resolve(sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })),
  }
}

export interface TestLog {
  readonly database: TestDatabase
  readonly pool: Pool
  readonly batch: Batch
  readonly signer: Signer
  readonly dir: string
  readonly means: CheckpointMeans
  readonly certificates: CertificateResolver
  record(act: Partial<Act>): TraceRecord
  /** Writes `count` records, seals and signs them; gives their ids in the order of their numbers. */
  grow(count: number): Promise<string[]>
  write(count: number): Promise<string[]>
  seal(): Promise<void>
  checkpoint(): Promise<void>
  verify(): Promise<Verified>
}

/** A trace on a database of its own, driven by hand. */
export async function testLog(t: Test): Promise<TestLog> {
  const database = await testDatabase(t)
  const { pool, keyring, dataDir } = database
  const signer = await testSigner(t)
  const batch = new Batch(pool)
  const dir = join(dataDir, 'checkpoints')
  const means: CheckpointMeans = { pool, signer, dir, origin: 'bdc-gateway/test', clock: systemClock }
  const certificates = certificatesOf([{ keyid: signer.keyid, der: signer.certificateDer }])
  const blindIndex = (value: string): Buffer => keyring.blindIndex('trace-subject', value)
  const record = (act: Partial<Act>): TraceRecord =>
    traceRecord({ type: 'fact-applied', at: new Date(), ...act }, { sealer: keyring, blindIndex })
  const write = async (count: number): Promise<string[]> => {
    const records = Array.from({ length: count }, (_, i) =>
      record({ facts: { place: i }, personal: { 'parties[0].name': '柯𠮷明' }, subjects: ['42022219030512001X'] }),
    )
    await submit(batch, (rows) => {
      for (const one of records) one.addTo(rows)
    })
    return records.map(({ id }) => id)
  }
  const seal = async (): Promise<void> => void (await sealPending(pool, { wait: true }))
  const checkpoint = async (): Promise<void> => void (await makeCheckpoint(means, { wait: true }))
  return {
    database,
    pool,
    batch,
    signer,
    dir,
    means,
    certificates,
    record,
    write,
    seal,
    checkpoint,
    grow: async (count) => {
      const ids = await write(count)
      await seal()
      await checkpoint()
      return ids
    },
    verify: () => verifyTrace({ pool, checkpointDir: dir, certificates }),
  }
}

/** One transaction with these rows. */
export async function submit(batch: Batch, add: (rows: Rows) => void): Promise<void> {
  await batch.submit({ asks: [], decide: (_held, rows) => add(rows) })
}
