import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Measured } from '../child.ts'
import type { Run } from '../pairs.ts'

/** Requests of one bank, all alike but for nonce, key and whatever stands for `@FRESH@`. */
export interface LoadOrder {
  url: string
  path: string
  /** JSON; `@FRESH@` becomes another UUID in each. */
  body: string
  operator: string
  requests: number
  connections: number
  /** Any other status is a failure of the run. */
  expected: number
}

export type LoadResult = { rate: number; p50: number; p99: number } | { failure: string }

export interface Load {
  /** Runs against one process. @throws {Error} when any answer is not the one that is expected. */
  against(measured: Measured, order: Omit<LoadOrder, 'url'>): Promise<Run>
  close(): Promise<void>
}

/** @param folder where the bank's identity `name` lies. */
export async function openLoad(folder: string, name: string): Promise<Load> {
  const file = fileURLToPath(new URL('load-process.js', import.meta.url))
  const child = fork(file, [JSON.stringify({ folder, name })], { execArgv: [] })
  const atExit = (): void => void child.kill('SIGKILL')
  process.once('exit', atExit)
  await once(child, 'message')
  return {
    against: (measured, order) =>
      measured.alone(async () => {
        child.send({ ...order, url: measured.url } satisfies LoadOrder)
        const [result] = (await once(child, 'message')) as [LoadResult]
        if ('failure' in result) throw new Error(result.failure)
        const rssMb = measured.rssMb()
        return { ...result, ...(rssMb === undefined ? {} : { rssMb }) }
      }),
    close: async () => {
      process.off('exit', atExit)
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}
