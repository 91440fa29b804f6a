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
  type CaseScript,
  certificatesOf,
  openCase,
  outcomes,
  type RegistryCase,
  type Step,
  shanghaiTime,
  type WantedItem,
} from './registry-case.ts'
import { answeredRound, askCorrection, correctionComplaints, openRound, takeCorrection } from './registry-correction.ts'
import { nextStep, takeStep } from './registry-course.ts'
import {
  MessageError,
  parseRegistryMessage,
  type RegistryMessage,
  type Row,
  respondDocument,
} from './registry-message.ts'
import { type GivenProperty, wholeProperty } from './registry-property.ts'
import { queryRows } from './registry-query.ts'
import {
  aboutOf,
  bizMsgIdIn,
  complained,
  type Decision,
  plainReply,
  refused,
  taken,
  xmlReply,
} from './registry-replies.ts'
import { complaintsAbout } from './registry-rules.ts'
import { registryState } from './registry-state.ts'
import { isLogged, openRegistryStore } from './registry-store.ts'
import {
  askWithdrawal,
  decideWithdrawal,
  isOpen,
  pendingWithdrawal,
  withdrawalComplaints,
} from './registry-withdrawal.ts'

export interface RegistryConfig extends FeeRule {
  /** How long each step takes, in ms: one number, or one per step. `null` holds every case where it is. */
  stepMs: number | null | Partial<Record<Step, number>>
  /**
   * What becomes of a withdrawal that comes in time: decided in its answer, or `afterMs` later (in ms); `null` waits for
   * the command `decideWithdrawal`. Until then the case goes on, and once it is recorded a withdrawal is refused.
   */
  withdrawal: { answer: 'grant' | 'refuse'; afterMs?: number | null }
  /** Called when something happened to a case; nothing when absent. */
  hintUrl?: string
  /** `respond`: XML with JH_BJ rows; `slbh`: a vendor's JSON with the filing's number. */
  hintForm: 'respond' | 'slbh'
  /** Sent with every hint, for a shared secret say. */
  hintHeaders: Readonly<Record<string, string>>
}

/** What the registry can be told beside faults. Cases are named by their business number. */
export type RegistryCommand =
  | (CaseScript & { times?: number })
  | { pay: string }
  /** Opens a round now, before the acceptance; without items it asks for what is usual. */
  | { askCorrection: string; items?: WantedItem[] }
  | { decideWithdrawal: string; granted: boolean }
  /** Takes the place of a property with the same certificate number. */
  | { addProperty: GivenProperty }
  | { config: Partial<RegistryConfig> }

const DEFAULTS: RegistryConfig = {
  stepMs: 150,
  fee: 'by-law',
  amount: '80.00',
  hintForm: 'respond',
  hintHeaders: {},
  withdrawal: { answer: 'grant' },
}
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
 * Commands: `{config: …}`, `{outcome, times, rounds}` for the next filings, `{pay: businessNumber}`,
 * `{askCorrection: businessNumber, items}`, `{decideWithdrawal: businessNumber, granted}`, `{addProperty: …}`.
 */
export function openRegistry(folder: string, given: Partial<RegistryConfig>): Counterparty {
  let config: RegistryConfig = { ...DEFAULTS, ...given }
  const store = openRegistryStore(folder)
  const timers = new Map<RegistryCase, NodeJS.Timeout>()
  const decisions = new Map<RegistryCase, NodeJS.Timeout>()
  const script: CaseScript[] = []
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

  /** What is decided about a message; the order of the calls of a case is kept with the case's number. */
  function decide(message: RegistryMessage, body: Buffer): Decision {
    const decision = decided(message, body)
    const type = message.head.get('ExchangeType') as string
    if (isLogged(type)) {
      store.noteCall({
        type,
        bizMsgId: message.head.get('BizMsgID') ?? '',
        businessNumber: message.head.get('RecFlowID') ?? '',
        about: aboutOf(message),
        code: decision.code,
        at: new Date().toISOString(),
      })
    }
    return decision
  }

  function decided(message: RegistryMessage, body: Buffer): Decision {
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
    if (type === 'QUERY') return query(message)
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
    const filed = openCase(message, store.submits.length + 1, script.shift() ?? { outcome: 'record' }, now)
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
    const open = openRound(filed)
    if (open === undefined || filed.ended !== undefined) return refused('2002')
    // The answer to an earlier round that comes once more is no answer to this one.
    if (Number(answeredRound(message)) < open.round) return refused('2002')
    const complaints = correctionComplaints(filed, open, message)
    if (complaints.length > 0) return complained(complaints)
    takeCorrection(filed, open, message, new Date())
    store.saveCase(filed)
    proceed(filed)
    return taken('已接收', linkRows(filed))
  }

  function withdraw(message: RegistryMessage): Decision {
    const [filed] = byNumber(message.head.get('RecFlowID'))
    if (filed === undefined) return refused('2001')
    const complaints = withdrawalComplaints(filed, message)
    if (complaints.length > 0) return complained(complaints)
    if (!isOpen(filed)) return refused('2002')
    if (pendingWithdrawal(filed) !== undefined) return taken('已接收', linkRows(filed))
    askWithdrawal(filed, message, new Date())
    const { answer, afterMs } = config.withdrawal
    if (afterMs !== undefined) {
      store.saveCase(filed)
      decideLater(filed)
      return taken('已接收', linkRows(filed))
    }
    conclude(filed, answer === 'grant')
    return answer === 'grant' ? taken('同意撤回', resultRows(filed)) : { ...refused('2002'), info: '不同意撤回' }
  }

  function conclude(filed: RegistryCase, isGranted: boolean): void {
    decideWithdrawal(filed, isGranted, new Date())
    store.saveCase(filed)
    proceed(filed)
  }

  /** Sets the clock for the decision about a withdrawal that is pending, unless it waits for a command. */
  function decideLater(filed: RegistryCase): void {
    const { answer, afterMs } = config.withdrawal
    if (typeof afterMs !== 'number' || pendingWithdrawal(filed) === undefined) return
    clearTimeout(decisions.get(filed))
    const timer = setTimeout(() => {
      conclude(filed, answer === 'grant')
      hint(filed)
    }, afterMs)
    decisions.set(filed, timer)
  }

  function query(message: RegistryMessage): Decision {
    const { attributes: asked } = message.rows[0] as Row
    const sentAt = message.head.get('CreateDate') as string
    const { SQQSSJ: from, SQJSSJ: to } = asked
    if ((from !== undefined && sentAt < from) || (to !== undefined && sentAt > to)) return refused('3002')
    return taken('查询成功', queryRows(store.properties.values(), asked, new Date()))
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

  for (const filed of store.cases) {
    proceed(filed)
    decideLater(filed)
  }
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
      const about = (number: string): RegistryCase => {
        const [filed] = byNumber(number)
        if (filed === undefined) throw new TypeError('no such case')
        return filed
      }
      const changed = (filed: RegistryCase): void => {
        store.saveCase(filed)
        hint(filed)
        proceed(filed)
      }
      const { outcome, times, rounds } = command
      if (outcomes.some((known) => known === outcome)) {
        const one = { outcome, ...(rounds === undefined ? {} : { rounds }) } as unknown as CaseScript
        for (let count = 0; count < Number(times ?? 1); count += 1) script.push(one)
      } else if (typeof command.pay === 'string') {
        const filed = about(command.pay)
        filed.paidAt = new Date()
        changed(filed)
      } else if (typeof command.askCorrection === 'string') {
        const filed = about(command.askCorrection)
        const isTooLate = filed.reached.accepted !== undefined || !isOpen(filed) || openRound(filed) !== undefined
        if (isTooLate) throw new TypeError('no correction can be asked of this case now')
        askCorrection(filed, (command.items ?? []) as unknown as WantedItem[], new Date())
        changed(filed)
      } else if (typeof command.decideWithdrawal === 'string') {
        const filed = about(command.decideWithdrawal)
        if (pendingWithdrawal(filed) === undefined) throw new TypeError('no withdrawal is pending')
        conclude(filed, command.granted === true)
        hint(filed)
      } else if (typeof command.addProperty === 'object' && command.addProperty !== null) {
        store.saveProperty(wholeProperty(command.addProperty as unknown as GivenProperty))
      } else if (typeof command.config === 'object' && command.config !== null) {
        config = { ...config, ...(command.config as Partial<RegistryConfig>) }
        for (const filed of store.cases) {
          proceed(filed)
          decideLater(filed)
        }
      } else throw new TypeError('no such command')
    },
    state: () => registryState(store, config),
    close() {
      for (const timer of [...timers.values(), ...decisions.values()]) clearTimeout(timer)
    },
  }
}
