import { createHash, randomInt } from 'node:crypto'
import { request as httpRequest } from 'undici'
import type { Counterparty, CounterpartyReply } from './counterparty-server.ts'
import {
  absentRow,
  certificateRows,
  type FeeRule,
  feeRows,
  linkRows,
  progressRows,
  resultRows,
} from './registry-answers.ts'
import {
  type CaseOutcome,
  certificatesOf,
  nextStep,
  openCase,
  outcomes,
  type RegistryCase,
  renumbered,
  type Step,
  shanghaiTime,
  takeStep,
} from './registry-case.ts'
import {
  MessageError,
  parseRegistryMessage,
  type RegistryMessage,
  type Row,
  respondDocument,
} from './registry-message.ts'
import { bizMsgIdIn, complained, type Decision, plainReply, refused, taken, xmlReply } from './registry-replies.ts'
import { complaintsAbout } from './registry-rules.ts'
import { registryState } from './registry-state.ts'
import { openRegistryStore } from './registry-store.ts'

export interface RegistryConfig extends FeeRule {
  /** How long each step takes, in ms: one number, or one per step. `null` holds every case where it is. */
  stepMs: number | null | Partial<Record<Step, number>>
  /** Called when something happened to a case; nothing when absent. */
  hintUrl?: string
  /** `respond`: XML with JH_BJ rows; `slbh`: a vendor's JSON with the filing's number. */
  hintForm: 'respond' | 'slbh'
  /** Sent with every hint, for a shared secret say. */
  hintHeaders: Readonly<Record<string, string>>
}

const DEFAULTS: RegistryConfig = { stepMs: 150, fee: 'by-law', amount: '80.00', hintForm: 'respond', hintHeaders: {} }
const STEP_MS = 150
const QUESTIONS: Readonly<Record<string, (filed: RegistryCase, config: RegistryConfig) => Row[]>> = {
  LOOKUP: linkRows,
  PROGRESS: progressRows,
  RESULT: resultRows,
  FEE: feeRows,
  CERTIFICATE: certificateRows,
}

/**
 * A county's registry: XML in GB18030 over HTTP. It deduplicates nothing: the same submission twice makes two cases.
 * Commands: `{config: …}`, `{outcome, times}` for the next filings, `{pay: businessNumber}`.
 */
export function openRegistry(folder: string, given: Partial<RegistryConfig>): Counterparty {
  let config: RegistryConfig = { ...DEFAULTS, ...given }
  const store = openRegistryStore(folder)
  const timers = new Map<RegistryCase, NodeJS.Timeout>()
  let script: CaseOutcome[] = []
  let sequence = Math.max(
    randomInt(100_000, 8_000_000),
    ...store.cases.flatMap((filed) => filed.proofs.map((proof) => proof.sequence)),
  )

  const byNumber = (businessNumber: string | undefined): RegistryCase[] =>
    store.cases.filter((filed) => filed.businessNumber === businessNumber)

  /** Sets the clock for the next station, if there is one to come. */
  function proceed(filed: RegistryCase): void {
    clearTimeout(timers.get(filed))
    const step = nextStep(filed)
    if (step === undefined || config.stepMs === null) return
    const waitMs = typeof config.stepMs === 'number' ? config.stepMs : (config.stepMs[step] ?? STEP_MS)
    const timer = setTimeout(() => {
      takeStep(filed, step, new Date(), () => (sequence += 1))
      store.saveCase(filed)
      hint(filed)
      proceed(filed)
    }, waitMs)
    timers.set(filed, timer)
  }

  /** Tells that something happened; whether anyone hears it makes no difference. */
  function hint(filed: RegistryCase): void {
    const { hintUrl, hintForm, hintHeaders } = config
    if (hintUrl === undefined) return
    const call =
      hintForm === 'slbh'
        ? {
            type: 'application/json; charset=utf-8',
            body: JSON.stringify({ head: { regionCode: '420222' }, data: { slbh: filed.slbh } }),
          }
        : {
            type: 'application/xml; charset=GB18030',
            body: respondDocument({ bizMsgId: '', ...taken('办件有变化', linkRows(filed)) }),
          }
    httpRequest(hintUrl, {
      method: 'POST',
      headers: { 'content-type': call.type, ...hintHeaders },
      body: call.body,
      headersTimeout: 5000,
    }).then(
      (response) => response.body.dump(),
      () => undefined,
    )
  }

  function decide(message: RegistryMessage, body: Buffer): Decision {
    const complaints = complaintsAbout(message, {
      materialNames: (businessNumber) =>
        new Set(
          [...store.materials.values()]
            .filter((material) => material.businessNumber === businessNumber)
            .map((material) => material.name),
        ),
    })
    if (complaints.length > 0) return complained(complaints)
    const type = message.head.get('ExchangeType') as string
    if (type === 'SUBMIT') return submit(message, body)
    if (type === 'MATERIAL') return material(message)
    if (type === 'CORRECT') return correct(message)
    if (type === 'WITHDRAW') return withdraw(message)
    const rowsOf = QUESTIONS[type] as NonNullable<(typeof QUESTIONS)[string]>
    const rows = message.rows.flatMap((question) => {
      const { YWLSH: number, SLBH: slbh } = question.attributes
      const found = number === undefined ? store.cases.filter((filed) => filed.slbh === slbh) : byNumber(number)
      if (found.length === 0) return [absentRow(number === undefined ? { SLBH: slbh as string } : { YWLSH: number })]
      return (type === 'LOOKUP' ? found : found.slice(0, 1)).flatMap((filed) => rowsOf(filed, config))
    })
    return taken('查询成功', rows)
  }

  function submit(message: RegistryMessage, body: Buffer): Decision {
    const now = new Date()
    const filed = openCase(message, store.submits.length + 1, script.shift() ?? 'record', now)
    store.noteSubmit({
      businessNumber: filed.businessNumber,
      bizMsgId: message.head.get('BizMsgID') as string,
      sha256: createHash('sha256').update(body).digest('hex'),
      slbh: filed.slbh,
      receivedAt: now.toISOString(),
    })
    store.saveCase(filed)
    proceed(filed)
    return taken('已接收', linkRows(filed))
  }

  function material(message: RegistryMessage): Decision {
    const [file, about] = ['FJ_F_100', 'JH_FJ'].map((name) => message.rows.find((row) => row.name === name)?.attributes)
    if (file === undefined || about === undefined) throw new Error('a checked message lost its rows')
    const content = file.FJNR as string
    const bytes = Buffer.from(content, 'base64')
    const digest = createHash(about.ZYSF === 'SM3' ? 'sm3' : 'sha256')
      .update(bytes)
      .digest('hex')
    const intact = bytes.toString('base64') === content && digest === about.ZYZ && String(bytes.length) === about.WJDX
    if (!intact || file.FJMC !== about.FJMC) return refused('1005')
    const businessNumber = about.YWLSH as string
    const held = store.saveMaterial({ businessNumber, name: file.FJLX as string, fileName: file.FJMC as string }, bytes)
    const receivedAt = shanghaiTime(new Date(held.receivedAt))
    const link = { YWLSH: businessNumber, BFXH: '1', SFCZ: '0', JSRQ: receivedAt }
    return taken('已接收', [{ name: 'JH_BJ', attributes: link }])
  }

  function correct(message: RegistryMessage): Decision {
    const [filed] = byNumber(message.head.get('RecFlowID'))
    if (filed === undefined) return refused('2001')
    const { correction } = filed
    if (correction === undefined || correction.answeredAt !== undefined) return refused('2002')
    const answered = new Set(message.rows.filter((row) => row.name === 'JH_BZDF').map((row) => row.attributes.XH))
    if (correction.items.some((_, index) => !answered.has(String(index + 1)))) return refused('1002')
    for (const part of filed.parts) {
      for (const row of message.rows) {
        const own = row.attributes.YWH === part.ywh || row.attributes.YWH === part.givenYwh
        if (!own || row.name === 'JH_BZDF') continue
        const changed = renumbered(row, part.givenYwh, part.ywh)
        const index = row.name === 'DJF_DJ_SJ' ? -1 : part.rows.findIndex((known) => isSameSubject(known, changed))
        if (index < 0) part.rows.push(changed)
        else part.rows[index] = changed
      }
    }
    correction.answeredAt = new Date()
    store.saveCase(filed)
    proceed(filed)
    return taken('已接收', linkRows(filed))
  }

  function withdraw(message: RegistryMessage): Decision {
    const [filed] = byNumber(message.head.get('RecFlowID'))
    if (filed === undefined) return refused('2001')
    if (filed.ended !== undefined || filed.reached.recorded !== undefined) return refused('2002')
    filed.ended = { how: 'withdrawn', at: new Date() }
    clearTimeout(timers.get(filed))
    store.saveCase(filed)
    return taken('同意撤回', resultRows(filed))
  }

  function fileReply(target: string): CounterpartyReply {
    const path = target.slice('/files/'.length)
    const filed = store.cases.find((candidate) =>
      candidate.proofs.some((proof) => path.endsWith(`/${String(proof.sequence).padStart(7, '0')}.pdf`)),
    )
    const document = filed && certificatesOf(filed).find((candidate) => candidate.path === path)
    if (document === undefined) return plainReply(404, 'Not Found')
    return { status: 200, headers: { 'content-type': 'application/pdf' }, body: document.bytes }
  }

  for (const filed of store.cases) proceed(filed)
  return {
    kindOf(request) {
      if (request.method !== 'POST') return 'FILE'
      const found = /<ExchangeType>([A-Z]+)<\/ExchangeType>/.exec(request.body.subarray(0, 4000).toString('latin1'))
      return found?.[1] ?? 'OTHER'
    },
    handle(request) {
      if (request.method === 'GET' && request.target.startsWith('/files/')) return fileReply(request.target)
      if (request.method !== 'POST' || request.target !== '/') return plainReply(404, 'Not Found')
      try {
        const message = parseRegistryMessage(request.body)
        return xmlReply({ bizMsgId: message.head.get('BizMsgID') ?? '', ...decide(message, request.body) })
      } catch (error) {
        if (!(error instanceof MessageError)) throw error
        const complaint = { name: 'JH_CW', attributes: { XH: '1', DM: '1001', WZ: '/', NR: error.message } }
        return xmlReply({ bizMsgId: bizMsgIdIn(request), ...refused('1001'), rows: [complaint] })
      }
    },
    busy: (request) => xmlReply({ bizMsgId: bizMsgIdIn(request), ...refused('9001') }),
    control(command) {
      if (typeof command.outcome === 'string' && outcomes.includes(command.outcome as CaseOutcome)) {
        script = [...script, ...Array<CaseOutcome>(Number(command.times ?? 1)).fill(command.outcome as CaseOutcome)]
      } else if (typeof command.pay === 'string') {
        const [filed] = byNumber(command.pay)
        if (filed === undefined) throw new TypeError('no such case')
        filed.paidAt = new Date()
        store.saveCase(filed)
        hint(filed)
      } else if (typeof command.config === 'object' && command.config !== null) {
        config = { ...config, ...(command.config as Partial<RegistryConfig>) }
        for (const filed of store.cases) proceed(filed)
      } else throw new TypeError('no such command')
    },
    state: () => registryState(store.cases, config, [...store.materials.values()], store.submits.length),
    close() {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

/** A corrected row takes the place of the row about the same thing. */
function isSameSubject(known: Row, changed: Row): boolean {
  const keys = ['BDCDYH', 'SXH', 'YWRZJH', 'YWH']
  return known.name === changed.name && keys.every((key) => known.attributes[key] === changed.attributes[key])
}
