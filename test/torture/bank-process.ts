import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BankAnswer, bankClient } from '../../src/sandbox/bank-client.ts'
import { readIdentity } from '../../src/sandbox/certificate-authority.ts'
import { pdfDocument } from '../../src/sandbox/pdf.ts'
import { OPERATOR, prepareSample, SAMPLE_BANK } from '../support/enrolment.ts'
import { authorize, question } from '../support/querying.ts'
import { smallCases } from '../support/small-case.ts'
import type { BankLine, BankOrders, TortureEvent } from './bank-log.ts'

// A bank in a process of its own. It files its cases, asks its queries and follows its feed, whatever happens to the
// gateway; what it was told it writes down at once, and that is what the gateway is judged by.
const folder = process.argv[2] as string
const orders = JSON.parse(readFileSync(join(folder, 'orders.json'), 'utf8')) as BankOrders
const log = (line: BankLine): void => appendFileSync(join(folder, 'told.jsonl'), `${JSON.stringify(line)}\n`)
const client = bankClient({
  baseUrl: orders.baseUrl,
  identity: await readIdentity(folder, 'bank'),
  gatewayCertificates: orders.gatewayCertificates,
  operator: OPERATOR,
  timeoutMs: 20_000,
})
const PATIENT = { attempts: 10_000, retryDelayMs: 50 }

/** Every 2xx is a promise with a receipt. */
function keep(what: string, answer: BankAnswer): BankAnswer {
  if (answer.status < 300) log({ kind: 'receipt', what, receipt: answer.receipt ?? 'none' })
  return answer
}

async function fileCases(): Promise<void> {
  const { file } = await smallCases(client, SAMPLE_BANK)
  let begun = 0
  const filer = async (): Promise<void> => {
    while (begun < orders.cases || !existsSync(join(folder, 'enough'))) {
      begun += 1
      const number = begun
      if (number % orders.uploadEvery !== 0) {
        const { receipt, ...taken } = await file()
        log({ kind: 'receipt', what: 'application', receipt })
        log({ kind: 'filed', ...taken })
      } else {
        const body = await prepareSample(client, { vary: true })
        const answer = keep('application', await client.submitApplication(body, PATIENT))
        if (answer.status !== 202) throw new Error(`not taken: ${answer.status} ${answer.body.toString()}`)
        const { id, businessNumber } = answer.json() as { id: string; businessNumber: string }
        log({ kind: 'filed', id, businessNumber, papers: body.materials.length })
      }
      await sleep(orders.filePauseMs)
    }
  }
  await Promise.all(Array.from({ length: orders.atOnce }, filer))
  writeFileSync(join(folder, 'filed'), '')
}

async function askQueries(): Promise<void> {
  const authorizationId = await authorize(client)
  while (!isOver()) {
    const level = Math.random() < 0.5 ? 'flags' : 'detail'
    const asked = await client.post('/v1/queries', question(authorizationId, { level }), PATIENT)
    const { id } = asked.json() as { id: string }
    log({ kind: 'asked', id })
    // Told 202, the bank comes again until the registry has answered.
    let answer = keep('query', asked)
    while (answer.status === 202 || answer.json()['state'] === 'asking') {
      await sleep(orders.askPauseMs)
      answer = await client.get(`/v1/queries/${id}`, {}, PATIENT)
    }
    if (answer.json()['state'] !== 'answered') throw new Error(`no answer: ${answer.status} ${answer.body.toString()}`)
    log({ kind: 'disclosed', id, receipt: answer.receipt ?? 'none' })
    await sleep(orders.askPauseMs)
  }
}

/** Papers of cases that are not filed yet. */
async function uploadOn(): Promise<void> {
  const bytes = pdfDocument('torture', [{ lines: ['torture'] }])
  while (!isOver()) {
    const answer = keep('upload', await client.uploadMaterial({ bytes, contentType: 'application/pdf' }, PATIENT))
    if (answer.status !== 201) throw new Error(`not taken: ${answer.status} ${answer.body.toString()}`)
    await sleep(orders.uploadPauseMs)
  }
}

async function followFeed(): Promise<void> {
  let cursor = '0'
  while (!isOver()) {
    const answer = await client.get('/v1/events', { after: cursor, limit: 100, wait: 1 }, PATIENT)
    if (answer.status !== 200) throw new Error(`no feed: ${answer.status} ${answer.body.toString()}`)
    keep('feed', answer)
    const { events } = answer.json() as unknown as { events: TortureEvent[] }
    for (const event of events) log({ kind: 'event', event })
    cursor = events.at(-1)?.cursor ?? cursor
    await sleep(100)
  }
}

const isOver = (): boolean => existsSync(join(folder, 'over'))

try {
  await Promise.all([fileCases(), askQueries(), uploadOn(), followFeed()])
  await client.close()
} catch (error) {
  writeFileSync(join(folder, 'failed'), String(error instanceof Error ? error.stack : error))
  process.exit(1)
}
