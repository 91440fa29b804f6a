import { appendFileSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultPoint } from '../../src/base/fault-point.ts'

// Takes the place of the product's own module in the torture's build. An order is a file called like its point; the
// process that renames it carries it out, so that each is carried out once.
const folder = process.env['TORTURE_ORDERS'] ?? ''

/** What an order says to do at its point. */
export type Order = 'kill' | `hold ${number}`

export function faultPoint(point: FaultPoint): Promise<void> | undefined {
  const taken = join(folder, `${point}.${process.pid}`)
  try {
    renameSync(join(folder, point), taken)
  } catch {
    return undefined
  }
  const order = readFileSync(taken, 'utf8') as Order
  appendFileSync(join(folder, 'struck.jsonl'), `${JSON.stringify({ point, order, pid: process.pid })}\n`)
  rmSync(taken)
  if (order === 'kill') {
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment; not one more instruction of the product's own is to run.
    for (;;) continue
  }
  return sleep(Number(order.split(' ')[1]))
}
