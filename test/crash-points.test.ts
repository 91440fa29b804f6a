import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { gatewayProcess } from './support/gateway-process.ts'
import { until } from './support/until.ts'
import { caseOf, fileSample, prepareSample, untilCompleted } from './support/world.ts'

t.setTimeout(240_000)

const QUICKLY = { registryTimeoutMs: 1000, registryMaximumMs: 1000, platformTimeoutMs: 1000, leaseMarginMs: 300 }

interface Proxy {
  url: string
  /** From now on the first byte of an answer is swallowed, and told. */
  swallow(onAnswer: () => void): void
  forward(): void
  close(): Promise<void>
}

/** Passes bytes between a bank and the gateway, until it is told to keep the answers back. */
async function proxyTo(port: () => number): Promise<Proxy> {
  let onAnswer: (() => void) | null = null
  const sockets = new Set<Socket>()
  const server = createServer((bank) => {
    const gateway = connect(port(), '127.0.0.1')
    for (const socket of [bank, gateway]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    bank.pipe(gateway)
    gateway.on('data', (bytes) => {
      if (onAnswer === null) bank.write(bytes)
      else {
        onAnswer()
        bank.destroy()
      }
    })
    gateway.on('close', () => bank.destroy())
    bank.on('close', () => gateway.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = (server.address() as { port: number }).port
  return {
    url: `http://127.0.0.1:${own}`,
    swallow: (told) => {
      onAnswer = told
    },
    forward: () => {
      onAnswer = null
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

await t.test(
  'a crash between commit and answer: the bank repeats with its key and gets the stored answer of the one case',
  async (t) => {
    let port = 0
    const proxy = await proxyTo(() => port)
    t.teardown(() => proxy.close())
    const gateway = await gatewayProcess(t, { config: { ...QUICKLY, publicUrl: proxy.url } })
    port = Number(new URL(gateway.url).port)
    await gateway.start()
    const bank = await gateway.enrol({ baseUrl: proxy.url })
    const ids: string[] = []
    for (let round = 0; round < 3; round += 1) {
      const body = await prepareSample(bank, { vary: true })
      const key = randomUUID()
      const crashed = new Promise<void>((resolve) => proxy.swallow(() => resolve(gateway.kill())))
      await t.rejects(bank.submitApplication(body, { idempotencyKey: key, attempts: 1 }), 'no answer came')
      await crashed
      proxy.forward()
      await gateway.start()
      const first = await bank.submitApplication(body, { idempotencyKey: key })
      const second = await bank.submitApplication(body, { idempotencyKey: key })
      t.equal(first.status, 202)
      t.strictSame(second.body, first.body, 'byte for byte')
      t.equal(second.receipt, first.receipt)
      ids.push(first.json()['id'] as string)
    }
    for (const id of ids) await untilCompleted(bank, id)
    await gateway.withGround(async ({ pool }) => {
      const { rows } = await pool.query('select count(*)::int as cases from cases')
      t.strictSame(rows, [{ cases: 3 }])
    })
    const submits = readFileSync(join(gateway.registry.dir, 'submits.jsonl'), 'utf8').trimEnd().split('\n')
    t.equal(submits.length, 3, 'one submission each')
  },
)

await t.test('the database dies under load and comes back: whatever was acknowledged completes', async (t) => {
  const gateway = await gatewayProcess(t, { config: QUICKLY })
  await gateway.start()
  const bank = await gateway.enrol()
  const patient = { attempts: 200, retryDelayMs: 100 }
  const acknowledged: string[] = []
  const filing = (async () => {
    for (let i = 0; i < 4; i += 1) {
      const answer = await bank.submitApplication(await prepareSample(bank, { vary: true }), patient)
      t.equal(answer.status, 202)
      acknowledged.push(answer.json()['id'] as string)
    }
  })()
  await until(() => acknowledged.length > 0, 30_000)
  const pid = Number.parseInt(readFileSync(join(gateway.config.dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10)
  process.kill(pid, 'SIGKILL')
  await filing
  for (const id of acknowledged) await untilCompleted(bank, id, 60_000)
  const submits = readFileSync(join(gateway.registry.dir, 'submits.jsonl'), 'utf8').trimEnd().split('\n')
  t.equal(submits.length, 4)
  t.equal(await gateway.stop(), 0, 'and it stops in good order')
})

await t.test('told to stop under load, it answers or refuses what it has, loses nothing, and ends well', async (t) => {
  const gateway = await gatewayProcess(t, { config: QUICKLY })
  await gateway.start()
  const bank = await gateway.enrol()
  const ids = await Promise.all([fileSample(bank, { vary: true }), fileSample(bank, { vary: true })])
  const load = { stopped: false }
  const outcomes: (number | 'none')[] = []
  const callers = Array.from({ length: 8 }, async () => {
    while (!load.stopped) {
      outcomes.push(
        await bank.getApplication(ids[0], { attempts: 1 }).then(
          ({ status }) => status,
          () => 'none' as const,
        ),
      )
      await sleep(5)
    }
  })
  await sleep(150)
  t.equal(await gateway.stop(), 0)
  load.stopped = true
  await Promise.all(callers)
  t.ok(outcomes.includes(200))
  t.strictSame(
    outcomes.filter((outcome) => outcome !== 200 && outcome !== 503 && outcome !== 'none'),
    [],
    'answered, or told to come again, or not connected at all',
  )
  await gateway.start()
  for (const id of ids) await untilCompleted(bank, id)
  t.equal((await caseOf(bank, ids[1]))['state'], 'recorded')
})
