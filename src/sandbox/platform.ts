import { existsSync, readFileSync } from 'node:fs'
import { newId } from '../base/id.ts'
import type { Json, JsonObject } from '../base/json.ts'
import {
  type Counterparty,
  type CounterpartyReply,
  type CounterpartyRequest,
  jsonReply,
} from './counterparty-server.ts'
import { digestFits, SignatureError, type VerificationKey, verificationKey, verifyMessage } from './http-signature.ts'
import { type CallbackCommand, openCallbacks, type SentCallback } from './platform-callbacks.ts'
import { bankReferenceOf, type CaseMessage, readCaseMessage } from './platform-rules.ts'
import { type HeldFile, type HeldMessage, openPlatformStore } from './platform-store.ts'
import type { KeyAlgorithm } from './private-key.ts'
import { shanghaiTime } from './registry-case.ts'

export interface PlatformConfig {
  /** PEM file of the gateway's certificate, or of several; read at the first call. Without it signatures are not checked. */
  gatewayCertificate?: string
  /** Of the key by which the platform signs what it says by itself; P-256 by default. */
  callbackAlgorithm?: KeyAlgorithm
}

/** What the platform can be told beside faults. */
export interface PlatformCommand {
  callback: CallbackCommand
}

/** What the platform tells of itself at `/_control/state`. */
export interface PlatformState {
  signaturesChecked: boolean
  cases: { unid: string; sn: string; bankReference: string | undefined; relayed: { type: string; unid: string }[] }[]
  files: HeldFile[]
  /** PEM file of the certificate by which the platform signs its callbacks. */
  certificateFile: string
  callbacks: readonly SentCallback[]
  /** How often each message came, by unid: repetitions have no effect. */
  posts: Record<string, number>
  /** Calls that were turned away, by reason. */
  refusals: Record<string, number>
  calls: Record<string, number>
  faults: Record<string, number>
}

const AREA = { FromAreaCode: '420200', FromAreaName: '黄石市', ToAreaCode: '420222', ToAreaName: '阳新县' }

/**
 * The 一事联办 platform: takes files and case messages, acknowledges with its own number, keeps what is relayed to it.
 * `{callback: …}` has it call the gateway by itself, and waits for the answer.
 */
export async function openPlatform(folder: string, config: PlatformConfig): Promise<Counterparty> {
  const store = openPlatformStore(folder)
  const posts: Record<string, number> = {}
  const refusals: Record<string, number> = {}
  const nonces = new Set<string>()
  let keys: VerificationKey[] | undefined

  const callbacks = await openCallbacks(folder, config.callbackAlgorithm ?? 'p256', store, gatewayKeys)

  /** Undefined where signatures are not checked. */
  function gatewayKeys(): readonly VerificationKey[] | undefined {
    const { gatewayCertificate: file } = config
    if (file === undefined) return undefined
    if (keys === undefined && existsSync(file)) keys = certificatesIn(readFileSync(file, 'utf8')).map(verificationKey)
    return keys ?? []
  }

  function refusal(status: number, reason: string): CounterpartyReply {
    refusals[reason] = (refusals[reason] ?? 0) + 1
    return jsonReply(status, { error: reason })
  }

  /** The reason why the call is not the gateway's word, or undefined. */
  function signatureFault(request: CounterpartyRequest): string | undefined {
    const known = gatewayKeys()
    if (known === undefined) return undefined
    try {
      const signed = { method: request.method, targetUri: request.uri, headers: request.headers }
      const window = { nowMs: Date.now(), windowSeconds: 300 }
      const { covered, nonce } = verifyMessage({ request: signed }, known, window)
      const needed = ['"@method"', '"@target-uri"', '"content-digest"', '"content-type"']
      if (needed.some((component) => !covered.includes(component))) return 'signature-covers-too-little'
      if (nonce === undefined || nonces.has(nonce)) return 'nonce-missing-or-repeated'
      nonces.add(nonce)
      return undefined
    } catch (error) {
      if (error instanceof SignatureError || error instanceof SyntaxError) return `signature: ${error.message}`
      throw error
    }
  }

  function putFile(request: CounterpartyRequest): CounterpartyReply {
    const unid = /^\/files\/([0-9a-f]{32})$/.exec(request.target)?.[1]
    if (unid === undefined) return refusal(404, 'no-such-file-address')
    const { puts } = store.saveFile(unid, request.headers['content-type'] ?? '', request.body)
    return { status: puts === 1 ? 201 : 204, headers: {}, body: Buffer.alloc(0) }
  }

  function postMessage(request: CounterpartyRequest): CounterpartyReply {
    let document: Json
    try {
      document = JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(request.body)) as Json
    } catch {
      return refusal(400, 'no-json')
    }
    const message = readCaseMessage(document)
    if (typeof message === 'string') return refusal(422, message)
    posts[message.unid] = (posts[message.unid] ?? 0) + 1
    const known = store.messages.get(message.unid)
    if (known !== undefined) return jsonReply(200, known.acknowledgement)
    const fault = caseFault(message)
    if (fault !== undefined) {
      refusals[fault.code] = (refusals[fault.code] ?? 0) + 1
      return jsonReply(200, acknowledgement(message, message.sn, { result: 'N', ...fault }))
    }
    const sn = message.type === '10' ? nextNumber() : message.sn
    const answer = acknowledgement(message, sn, { result: 'Y', code: '0000', text: '已接收' })
    const held: HeldMessage = {
      type: message.type,
      unid: message.unid,
      sn,
      message: document as JsonObject,
      acknowledgement: answer,
      receivedAt: new Date().toISOString(),
    }
    store.saveMessage(held)
    return jsonReply(200, answer)
  }

  /** What a well-formed message asks that cannot be: nothing of it is stored, so it may come again. */
  function caseFault(message: CaseMessage): { code: string; text: string } | undefined {
    if (message.fileUnids.some((unid) => !store.files.has(unid))) return { code: '1101', text: '材料文件尚未收到' }
    const isKnown = cases().some((held) => held.sn === message.sn)
    return message.type === '10' || isKnown ? undefined : { code: '1102', text: '办件编号不存在' }
  }

  const cases = (): HeldMessage[] => [...store.messages.values()].filter((held) => held.type === '10')

  /** hsbdc, the county, the day and five digits. */
  function nextNumber(): string {
    const day = shanghaiTime(new Date()).slice(2, 10).replaceAll('-', '')
    return `hsbdc0222${day}${String(cases().length + 1).padStart(5, '0')}`
  }

  function acknowledgement(
    of: CaseMessage,
    sn: string,
    feedback: { result: 'Y' | 'N'; code: string; text: string },
  ): JsonObject {
    const time = shanghaiTime(new Date()).replace('T', ' ')
    const { result, code, text } = feedback
    return {
      Case: {
        applyFrom: '21',
        type: '99',
        unid: newId().replaceAll('-', ''),
        xsd: '1.0',
        Router: { ...AREA, Time: time },
        Body: {
          ApasInfo: { SN: sn },
          Feedback: { OfType: of.type, OfUnid: of.unid, Result: result, Code: code, Message: text, Time: time },
        },
      },
    }
  }

  return {
    kindOf(request) {
      if (request.method === 'PUT') return 'FILE'
      const type = /"type"\s*:\s*"(\d\d)"/.exec(request.body.subarray(0, 2000).toString('latin1'))
      return type?.[1] ?? 'OTHER'
    },
    handle(request) {
      const isFile = request.method === 'PUT' && request.target.startsWith('/files/')
      if (!isFile && (request.method !== 'POST' || request.target !== '/messages'))
        return refusal(404, 'no-such-address')
      const fault = signatureFault(request)
      if (fault !== undefined) return refusal(401, fault)
      if (!fitsDigest(request)) return refusal(400, 'digest-does-not-fit')
      return isFile ? putFile(request) : postMessage(request)
    },
    busy() {
      const reply = jsonReply(503, { error: 'busy' })
      return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } }
    },
    async control(command) {
      if (typeof command.callback !== 'object' || command.callback === null) throw new TypeError('no such command')
      await callbacks.send(command.callback as unknown as CallbackCommand)
    },
    state() {
      const state: Omit<PlatformState, 'calls' | 'faults'> = {
        signaturesChecked: config.gatewayCertificate !== undefined,
        cases: cases().map(({ unid, sn, message }) => ({
          unid,
          sn,
          bankReference: bankReferenceOf((message.Case as JsonObject).Body as JsonObject),
          relayed: [...store.messages.values()]
            .filter((held) => held.sn === sn && held.type !== '10')
            .map((held) => ({ type: held.type, unid: held.unid })),
        })),
        files: [...store.files.values()],
        certificateFile: callbacks.certificateFile,
        callbacks: callbacks.sent,
        posts: { ...posts },
        refusals: { ...refusals },
      }
      return state as unknown as JsonObject
    },
    close() {},
  }
}

function fitsDigest(request: CounterpartyRequest): boolean {
  try {
    return digestFits(request.headers['content-digest'] ?? '', request.body)
  } catch {
    return false
  }
}

function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}
