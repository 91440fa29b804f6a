import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import type { BankAnswer } from '../src/sandbox/bank-client.ts'
import { front } from './support/front.ts'
import { startNodes } from './support/nodes.ts'
import { freePort } from './support/served-process.ts'
import { until } from './support/until.ts'
import { OTHER_BANK, prepareSample } from './support/world.ts'

t.setTimeout(200_000)

const frontPort = await freePort()
const nodes = await startNodes(t, ['api', 'api'], {
  config: { shutdownNoticeMs: 1000, publicUrl: `http://127.0.0.1:${frontPort}` },
})
const urls = nodes.nodes.map(({ url }) => url)
const balancer = await front(t, urls, frontPort)
const bank = await nodes.enrol(balancer.url)
const idle = await nodes.enrol(balancer.url, { bank: OTHER_BANK })

await t.test('both apis restart in turn under a steady stream of calls, and none fails', async (t) => {
  await until(() => balancer.ready().length === 2)
  const template = await prepareSample(bank)
  const over = new AbortController()
  const told: Record<string, number> = {}
  const calls: readonly (() => Promise<BankAnswer>)[] = [
    () => bank.get('/v1/codes'),
    () => bank.get('/v1/events', { limit: 1 }),
    () => bank.submitApplication({ ...template, bankReference: `R-${randomUUID()}` }),
  ]
  const streams = calls.flatMap((call) => [stream(call), stream(call)])
  // Nothing comes for these: they are answered when their time is up, or when their node goes.
  const waiters = [0, 1, 2, 3].map(() => stream(() => idle.get('/v1/events', { wait: 3 })))

  for (const node of nodes.nodes) {
    const stopping = node.process.stop()
    await until(() => !balancer.ready().includes(node.url))
    t.equal(await stopping, 0, 'it ends in good order')
    await node.process.start()
    await until(() => balancer.ready().includes(node.url))
    await sleep(300)
  }
  over.abort()
  await Promise.all([...streams, ...waiters])
  t.same(Object.keys(told).sort(), ['200', '202'], JSON.stringify(told))

  async function stream(call: () => Promise<BankAnswer>): Promise<void> {
    while (!over.signal.aborted) {
      const word = await call().then(
        ({ status, body }) => (status < 300 ? String(status) : `${status} ${body.toString()}`),
        (error: Error) => error.message,
      )
      told[word] = (told[word] ?? 0) + 1
      await sleep(30)
    }
  }
})

await t.test('for the notice it serves and says that it goes; a second signal ends it at once', async (t) => {
  const [node] = nodes.nodes
  if (node === undefined) throw new Error('there are two')
  const before = await request(`${node.url}/livez`)
  t.notMatch(before.headers, { connection: 'close' })
  await before.body.dump()
  const { pid } = node.process
  const stopping = node.process.stop()
  await until(async () => {
    const { statusCode, body } = await request(`${node.url}/readyz`)
    const { checks } = (await body.json()) as { checks: Record<string, boolean> }
    return statusCode === 503 && checks['serving'] === false && checks['database'] === true
  })
  const meanwhile = await request(`${node.url}/livez`)
  t.match({ status: meanwhile.statusCode, ...meanwhile.headers }, { status: 200, connection: 'close' })
  await meanwhile.body.dump()
  process.kill(pid ?? 0, 'SIGTERM')
  t.equal(await stopping, 1)
})
