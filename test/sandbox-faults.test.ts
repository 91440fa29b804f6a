import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { openFaults } from '../src/sandbox/faults.ts'
import { encodeGb18030 } from '../src/sandbox/gb18030.ts'
import { type CounterpartyCommand, type RunningCounterparty, startRegistry } from '../src/sandbox/processes.ts'
import type { RegistryState } from '../src/sandbox/registry-state.ts'
import { nodeArguments } from './support/node-arguments.ts'

const messages = new URL(import.meta.url.includes('/dist/') ? '../../test/messages/' : './messages/', import.meta.url)
const golden = (name: string): Buffer =>
  encodeGb18030(readFileSync(new URL(`${name}.xml`, messages), 'utf8').replace('UTF-8', 'GB18030'))

/** A MATERIAL: the one call that has an effect without any other before it. */
const material = golden('registry-material')
const lookup = golden('registry-lookup')
type Registry = RunningCounterparty<RegistryState>

async function start(t: Test): Promise<Registry> {
  const registry = await startRegistry({ dir: t.testdir() })
  t.teardown(() => registry.stop())
  return registry
}

/** Status and text, or the word `failed` when there is no answer. */
async function call(
  registry: Registry,
  body: Buffer<ArrayBuffer> | Buffer,
): Promise<{ status: number | 'failed'; text: string }> {
  try {
    const response = await fetch(registry.url, { method: 'POST', body: new Uint8Array(body) })
    return { status: response.status, text: Buffer.from(await response.arrayBuffer()).toString('latin1') }
  } catch {
    return { status: 'failed', text: '' }
  }
}

const held = async (registry: Registry): Promise<number> => (await registry.state()).materials.length

await t.test('error-before answers 500 without effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'error-before' })
  t.equal((await call(registry, material)).status, 500)
  t.equal(await held(registry), 0)
})

await t.test('drop-before closes without an answer and without effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'drop-before', times: 1 })
  t.equal((await call(registry, material)).status, 'failed')
  t.equal(await held(registry), 0)
  t.equal((await call(registry, material)).status, 200)
})

await t.test('busy is a decided later, without effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'busy' })
  t.match(await call(registry, material), { status: 200, text: /<ResponseCode>9001</ })
  t.equal(await held(registry), 0)
})

await t.test('drop-after-effect closes without an answer and has had the effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'drop-after-effect' })
  t.equal((await call(registry, material)).status, 'failed')
  t.equal(await held(registry), 1)
})

await t.test('error-after-effect answers 500 and has had the effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'error-after-effect' })
  t.equal((await call(registry, material)).status, 500)
  t.equal(await held(registry), 1)
})

await t.test('garbage answers 200 with no document and has had the effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'garbage' })
  const answer = await call(registry, material)
  t.equal(answer.status, 200)
  t.notMatch(answer.text, /<respond>/)
  t.equal(await held(registry), 1)
})

await t.test('slow has its effect even when nobody waits any more', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'slow', delayMs: 300 })
  const impatient = fetch(registry.url, {
    method: 'POST',
    body: new Uint8Array(material),
    signal: AbortSignal.timeout(50),
  })
  await t.rejects(impatient)
  while ((await held(registry)) === 0) await sleep(20)
  t.equal(await held(registry), 1)
})

await t.test('refuse stops listening for a time and then listens again on the same port', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'refuse', delayMs: 400 })
  let failures = 0
  while ((await call(registry, lookup)).status === 'failed') {
    failures += 1
    await sleep(20)
  }
  t.ok(failures > 0)
  t.equal((await call(registry, lookup)).status, 200)
})

await t.test('every, on, times and reset choose the calls', async (t) => {
  const registry = await start(t)
  const statuses = async (count: number, body: Buffer): Promise<(number | 'failed')[]> => {
    const seen: (number | 'failed')[] = []
    for (let number = 0; number < count; number += 1) seen.push((await call(registry, body)).status)
    return seen
  }
  await registry.control({ fault: 'error-before', on: 'LOOKUP', every: 3 })
  t.same(await statuses(6, lookup), [200, 200, 500, 200, 200, 500])
  t.same(await statuses(3, material), [200, 200, 200])
  await registry.control([{ reset: true }, { fault: 'error-before', times: 2 }])
  t.same(await statuses(4, lookup), [500, 500, 200, 200])
  const { calls, faults } = await registry.state()
  t.match({ calls, faults }, { calls: { LOOKUP: 10, MATERIAL: 3 }, faults: { 'error-before LOOKUP': 4 } })
})

await t.test('at random: a share of the calls, the same ones for the same seed', async (t) => {
  const strikes = (seed: number): boolean[] => {
    const faults = openFaults()
    faults.add({ fault: 'error-before', rate: 0.3, seed })
    return Array.from({ length: 1000 }, () => faults.next('PUSH').fault !== undefined)
  }
  const [first, again, other] = [strikes(7), strikes(7), strikes(8)]
  t.same(again, first)
  t.notSame(other, first)
  const share = first.filter(Boolean).length
  t.ok(share > 240 && share < 360, `about three in ten: ${share}`)
})

await t.test('redirect points elsewhere, without effect', async (t) => {
  const registry = await start(t)
  await registry.control({ fault: 'redirect', to: 'http://127.0.0.1:9/elsewhere', times: 1 })
  const answer = await fetch(registry.url, { method: 'POST', body: new Uint8Array(material), redirect: 'manual' })
  t.equal(answer.status, 307)
  t.equal(answer.headers.get('location'), 'http://127.0.0.1:9/elsewhere')
  t.equal(await held(registry), 0)
  t.equal((await call(registry, material)).status, 200)
})

await t.test('a command that names no fault is refused', async (t) => {
  const registry = await start(t)
  const unknown = [{ fault: 'explode' }, { config: null }] as unknown as CounterpartyCommand[]
  for (const command of unknown) await t.rejects(registry.control(command), /no such (fault|command)/)
})

await t.test('a counterparty ends when its parent is gone', async (t) => {
  const compiled = import.meta.url.endsWith('.js')
  const file = new URL(`../src/sandbox/registry-process.${compiled ? 'js' : 'ts'}`, import.meta.url)
  const child = spawn(process.execPath, [...nodeArguments, fileURLToPath(file), '--dir', t.testdir()], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const exit = once(child, 'exit')
  child.stdin.end()
  t.same(await exit, [0, null])
})
