import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import pg from 'pg'
import type { Comparison } from './pairs.ts'
import type { Place } from './place.ts'

/** What this machine can do of the two dearest things, one at a time, in the same run. */
export interface Limits {
  /** P-256 verifications a second on one core, and by what they were measured. */
  verify: number
  verifiedBy: string
  /** Commits a second of one client that inserts a row each. */
  commits: number
}

export async function limitsOf(place: Place, runMs: number): Promise<Limits> {
  const byOpenssl = opensslVerify(Math.max(1, Math.round(runMs / 1000)))
  return {
    verify: byOpenssl ?? ownVerify(runMs),
    verifiedBy: byOpenssl === null ? "node's crypto in one thread, openssl is not installed" : 'openssl speed',
    commits: await commitsOf(place, runMs),
  }
}

/** A floor that does not reach half of what the machine gives is no floor: it is said, and the ratio does not count. */
export function checkFloor(comparison: Comparison, { verify, commits }: Limits): void {
  const half = Math.min(verify, commits) / 2
  const reached = comparison.floor?.rate.median ?? 0
  if (reached < half) {
    comparison.remarks.push(`DOES NOT COUNT: the floor reaches ${reached.toFixed(0)}/s, less than ${half.toFixed(0)}/s`)
  }
}

function opensslVerify(seconds: number): number | null {
  const run = spawnSync('openssl', ['speed', '-seconds', String(seconds), 'ecdsap256'], { encoding: 'utf8' })
  if (run.error !== undefined || run.status !== 0) return null
  const line = run.stdout.split('\n').find((one) => one.includes('nistp256'))
  const rate = Number(line?.trim().split(/\s+/).at(-1))
  return Number.isFinite(rate) ? rate : null
}

function ownVerify(runMs: number): number {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const bytes = Buffer.alloc(64, 7)
  const signature = sign('sha256', bytes, privateKey)
  const startMs = performance.now()
  let count = 0
  while (performance.now() - startMs < runMs) {
    verify('sha256', bytes, publicKey, signature)
    count += 1
  }
  return (count * 1000) / (performance.now() - startMs)
}

async function commitsOf(place: Place, runMs: number): Promise<number> {
  const client = new pg.Client(await place.database('commits'))
  await client.connect()
  await client.query('create table one (id bigint primary key, text text not null)')
  const startMs = performance.now()
  let count = 0
  while (performance.now() - startMs < runMs) {
    count += 1
    await client.query({
      name: 'one',
      text: 'insert into one values ($1, $2)',
      values: [count, 'a row of a few bytes'],
    })
  }
  const rate = (count * 1000) / (performance.now() - startMs)
  await client.end()
  return rate
}
