import { parentPort } from 'node:worker_threads'
import { signSm2, verifySm2 } from './sm2.ts'

/** The thread that does SM2 for sm2-pool.ts: jobs in, results out, in any order. Byte arrays arrive as Uint8Array. */

export type Sm2Job = { number: number; id: string; message: Uint8Array } & (
  | { kind: 'verify'; publicKey: Uint8Array; signature: Uint8Array }
  | { kind: 'sign'; privateKey: Uint8Array }
)

export type Sm2Result = { number: number } & ({ value: boolean | Uint8Array } | { error: string })

parentPort?.on('message', (job: Sm2Job) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads has none
  parentPort?.postMessage(resultOf(job))
})

function resultOf(job: Sm2Job): Sm2Result {
  try {
    const value =
      job.kind === 'verify'
        ? verifySm2(bufferOf(job.publicKey), job.message, bufferOf(job.signature), job.id)
        : signSm2(bufferOf(job.privateKey), job.message, { id: job.id })
    return { number: job.number, value }
  } catch (error) {
    return { number: job.number, error: error instanceof Error ? error.message : String(error) }
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
