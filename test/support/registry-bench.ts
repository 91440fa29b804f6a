import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { XMLParser } from 'fast-xml-parser'
import type { Test } from 'tap'
import { encodeGb18030 } from '../../src/sandbox/gb18030.ts'
import { type RunningCounterparty, startRegistry } from '../../src/sandbox/processes.ts'
import type { RegistryState } from '../../src/sandbox/registry-state.ts'

export const NUMBER = '420222261109000002'
export type Registry = RunningCounterparty<RegistryState>
type Attributes = Record<string, string>
export interface Answer {
  flag: string
  code: string
  /** The document. */
  text: string
  rows: (name: string) => Attributes[]
}

export const golden = (name: string): string => readFileSync(new URL(`messages/${name}.xml`, goldenBase), 'utf8')
/** The messages lie beside the sources of the tests, also when these run compiled. */
const goldenBase = new URL(import.meta.url.includes('/dist/') ? '../../../test/' : '../', import.meta.url)
const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', parseTagValue: false })

export async function send(registry: Registry, utf8: string): Promise<Answer> {
  const body = encodeGb18030(utf8.replace('encoding="UTF-8"', 'encoding="GB18030"'))
  return read(await fetch(registry.url, { method: 'POST', body }))
}

export async function read(response: Response): Promise<Answer> {
  const text = new TextDecoder('gb18030', { fatal: true }).decode(await response.arrayBuffer())
  const { respond } = parser.parse(text) as { respond: Record<string, string> & { Data?: Record<string, unknown> } }
  const rows = (name: string) => [respond.Data?.[name] ?? []].flat() as Attributes[]
  return { flag: respond.SuccessFlag ?? '', code: respond.ResponseCode ?? '', text, rows }
}

export const question = (type: string, number = NUMBER): string =>
  golden('registry-lookup')
    .replace('LOOKUP', type)
    .replace('420222261109000002"', `${number}"`)
    .replace(/<JH_CZ XH="2".*\/>/, '')

export function material(name: string, order: number, bytes: Buffer = Buffer.from(`%PDF-1.4 ${name}`)): string {
  const digest = createHash('sm3').update(bytes).digest('hex')
  return golden('registry-material').replace(
    /<FJ_F_100[\s\S]*<JH_FJ[^>]*>/,
    `<FJ_F_100 FJMC="${order}-${name}.pdf" FJLX="${name}" FJNR="${bytes.toString('base64')}"/>` +
      `<JH_FJ YWLSH="${NUMBER}" SXH="${order}" FJMC="${order}-${name}.pdf" WJDX="${bytes.length}" ZYSF="SM3" ZYZ="${digest}"/>`,
  )
}

/** Sends the files of every received document of a submission. */
export async function sendMaterials(registry: Registry, submission: string): Promise<void> {
  const names = [...submission.matchAll(/ SJMC="([^"]*)"/g)].map((match) => match[1] as string)
  for (const [index, name] of names.entries()) {
    const answer = await send(registry, material(name, index + 1))
    if (answer.code !== '0000') throw new Error(`material refused: ${answer.code}`)
  }
}

export async function untilState(registry: Registry, state: string): Promise<RegistryState['cases'][number]> {
  for (;;) {
    const [first] = (await registry.state()).cases
    if (first?.state === state) return first
    await sleep(20)
  }
}

/** A sandbox registry of a test, spoken to as the gateway would. */
export async function startBench(t: Test, config: object = {}): Promise<Registry> {
  const registry = await startRegistry({ dir: t.testdir(), config: { stepMs: 10, ...config } })
  t.teardown(() => registry.stop())
  return registry
}
