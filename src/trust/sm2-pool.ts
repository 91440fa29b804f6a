import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { defaultSm2Id } from './sm2.ts'
import type { Sm2Job, Sm2Result } from './sm2-worker.ts'

/** SM2 off the main thread: one verification costs about half a millisecond of plain JavaScript. */
export interface Sm2Pool {
  verify(publicKey: Buffer, message: Uint8Array, signature: Buffer, id?: string): Promise<boolean>
  /** DER. */
  sign(privateKey: Buffer, message: Uint8Array, id?: string): Promise<Buffer>
  /** Ends the threads; what is under way is rejected, and so is what is asked after. */
  close(): Promise<void>
}

type JobBody = Sm2Job extends infer Each ? (Each extends Sm2Job ? Omit<Each, 'number'> : never) : never
type Waiting = { resolve: (value: boolean | Uint8Array) => void; reject: (error: Error) => void }

// The thread's file lies beside this one, in source and in the compiled tree alike.
const extension = extname(import.meta.url)
const threadFile = new URL(`./sm2-worker${extension}`, import.meta.url)

function startThread(): Worker {
  if (extension !== '.ts') return new Worker(threadFile)
  // Run from source: tsx does not follow into threads by itself.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const file = JSON.stringify(threadFile.href)
  return new Worker(`import(${tsx}).then((tsx) => { tsx.register(); return import(${file}) })`, { eval: true })
}

/** Threads start with the first jobs, and an idle pool does not keep the process alive. */
export function openSm2Pool({ threads = 1 }: { threads?: number } = {}): Sm2Pool {
  const lanes = Array.from({ length: threads }, openLane)
  let closed = false

  const run = (body: JobBody): Promise<boolean | Uint8Array> => {
    if (closed) return Promise.reject(new Error('the SM2 pool is closed'))
    const lane = lanes.reduce((least, each) => (each.load() < least.load() ? each : least))
    return lane.run(body)
  }

  return {
    async verify(publicKey, message, signature, id = defaultSm2Id) {
      return (await run({ kind: 'verify', publicKey, message, signature, id })) === true
    },
    async sign(privateKey, message, id = defaultSm2Id) {
      const value = await run({ kind: 'sign', privateKey, message, id })
      if (typeof value === 'boolean') throw new Error('the SM2 thread answered another question')
      return Buffer.from(value)
    },
    async close() {
      closed = true
      await Promise.all(lanes.map((lane) => lane.close()))
    },
  }
}

interface Lane {
  load(): number
  run(body: JobBody): Promise<boolean | Uint8Array>
  close(): Promise<void>
}

function openLane(): Lane {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let lastNumber = 0

  const fail = (error: Error): void => {
    worker = null
    const lost = [...waiting.values()]
    waiting.clear()
    for (const { reject } of lost) reject(error)
  }

  const start = (): Worker => {
    const started = startThread()
    started.on('message', (result: Sm2Result) => {
      const job = waiting.get(result.number)
      waiting.delete(result.number)
      // Not of a thread that is being ended: its end is waited for.
      if (waiting.size === 0 && worker === started) started.unref()
      if ('error' in result) job?.reject(new Error(`SM2: ${result.error}`))
      else job?.resolve(result.value)
    })
    // A thread that died takes its jobs with it; the next job starts another.
    started.on('error', (error: Error) => {
      if (worker === started) fail(error)
    })
    started.on('exit', () => {
      if (worker === started) fail(new Error('the SM2 thread ended'))
    })
    return started
  }

  return {
    load: () => waiting.size,
    run(body) {
      worker ??= start()
      const thread = worker
      lastNumber += 1
      const number = lastNumber
      return new Promise((resolve, reject) => {
        waiting.set(number, { resolve, reject })
        thread.ref()
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads has none
        thread.postMessage({ ...body, number })
      })
    },
    async close() {
      const last = worker
      fail(new Error('the SM2 pool is closed'))
      // Its end is waited for, so it must keep the process alive until then.
      last?.ref()
      await last?.terminate()
    },
  }
}
