import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { newId } from '../base/id.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { type Identity, readIdentity, selfSignedIdentity, writeIdentity } from './certificate-authority.ts'
import { AUTHORITY } from './certificate-document.ts'
import { contentDigest, digestFits, type VerificationKey, verifyMessage } from './http-signature.ts'
import type { HeldMessage, PlatformStore } from './platform-store.ts'
import type { KeyAlgorithm } from './private-key.ts'
import { shanghaiTime } from './registry-case.ts'
import { signedHeaders } from './signed-request.ts'

const callbackTypes = ['99', '22', '25', '26'] as const
type CallbackType = (typeof callbackTypes)[number]

/** What the platform is told to say to the gateway by itself. */
export interface CallbackCommand {
  /** The gateway's address for callbacks. */
  url: string
  type: CallbackType
  /** The case by the platform's number, or by the `unid` of its type 10; a number that was never given is sent too. */
  sn?: string
  unid?: string
  /** The message's own unid: a fresh one by default. */
  messageId?: string
  /** Members of Body in place of the usual ones. */
  body?: JsonObject
  /** Of a 22: members of the answers in place of the usual ones, by SeqNo. */
  answers?: { [seqNo: string]: JsonObject }
  /** How often it is sent: the same message, signed anew each time; with `fresh` each under a unid of its own. */
  times?: number
  fresh?: boolean
  /** All at the same time. */
  atOnce?: boolean
  /**
   * `own` by default. `stranger`: the platform's name, but a certificate that nobody knows; `forged`: a stranger's
   * signature under the keyid of the platform; `none`: unsigned.
   */
  signWith?: 'own' | 'stranger' | 'forged' | 'none'
  /** What is changed after it was signed: the body, or the body and with it the digest. */
  alter?: 'body' | 'body-and-digest'
}

/** A callback that was sent, with what the gateway answered. */
export interface SentCallback {
  type: CallbackType
  unid: string
  sn: string
  /** `failed` without an answer. */
  status: number | 'failed'
  /** The answer's document; `null` where there is none. */
  answer: Json
  /** Whether the gateway's signature covers the answer; `null` where signatures are not checked. */
  isSigned: boolean | null
}

export interface Callbacks {
  certificateFile: string
  /** Since the start, in the order of their answers. */
  sent: readonly SentCallback[]
  /** Sends and waits for the answers; @throws {TypeError} for a command that names no callback. */
  send(command: CallbackCommand): Promise<void>
}

const ROUTER = { FromAreaCode: '420200', FromAreaName: '黄石市', ToAreaCode: '420222', ToAreaName: AUTHORITY.areaName }
const NAME = { organization: '示例一事联办平台', commonName: 'Sandbox Platform', uscc: '11420200000000043N' }
const TIMEOUT_MS = 30_000

/** Opens the platform's own voice; its key is made at the first start in a folder and found again at the next. */
export async function openCallbacks(
  folder: string,
  algorithm: KeyAlgorithm,
  store: PlatformStore,
  gatewayKeys: () => readonly VerificationKey[] | undefined,
): Promise<Callbacks> {
  const own = await openIdentity(folder, algorithm)
  const sent: SentCallback[] = []
  let stranger: Identity | undefined

  async function post(command: CallbackCommand, message: JsonObject, about: { unid: string; sn: string }) {
    const body = Buffer.from(JSON.stringify(message), 'utf8')
    const unsigned = { 'content-type': 'application/json; charset=utf-8' }
    const { url, signWith = 'own', alter, type } = command
    if (signWith !== 'own') stranger ??= await selfSignedIdentity({ ...NAME, algorithm })
    const signer = signWith === 'stranger' || signWith === 'forged' ? (stranger as Identity) : own
    const tamper = signWith === 'forged' ? { keyid: own.fingerprint } : {}
    const asked = { method: 'POST', targetUri: url, headers: unsigned, body }
    const digest = signer.algorithm === 'sm2' ? 'sm3' : 'sha-256'
    const headers: Record<string, string> =
      signWith === 'none'
        ? { ...unsigned, 'content-digest': contentDigest(body, digest) }
        : signedHeaders(signer, asked, digest, tamper)
    const sentBody = alter === undefined ? body : Buffer.from(JSON.stringify(altered(message)), 'utf8')
    if (alter === 'body-and-digest') headers['content-digest'] = contentDigest(sentBody, digest)
    const told = { type, ...about }
    try {
      const given = await request(url, {
        method: 'POST',
        headers,
        body: sentBody,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      })
      const bytes = Buffer.from(await given.body.arrayBuffer())
      const response = { status: given.statusCode, headers: joined(given.headers) }
      const isSigned = isAnswerSigned({ request: { ...asked, headers }, response }, bytes, gatewayKeys())
      sent.push({ ...told, status: given.statusCode, answer: documentIn(bytes), isSigned })
    } catch {
      sent.push({ ...told, status: 'failed', answer: null, isSigned: null })
    }
  }

  return {
    certificateFile: certificateFile(folder),
    sent,
    async send(command) {
      if (!callbackTypes.includes(command.type) || typeof command.url !== 'string')
        throw new TypeError('no such callback')
      if (command.sn === undefined && command.unid === undefined) throw new TypeError('a callback names its case')
      const filed = caseOf(store, command)
      const sn = command.sn ?? filed?.sn ?? ''
      const fixed = command.messageId ?? newUnid()
      const posts = Array.from({ length: command.times ?? 1 }, () => {
        const unid = command.fresh === true ? newUnid() : fixed
        return () => post(command, callback(command, { unid, sn }, filed, store), { unid, sn })
      })
      if (command.atOnce === true) await Promise.all(posts.map((one) => one()))
      else for (const one of posts) await one()
    },
  }
}

const certificateFile = (folder: string): string => join(folder, 'callbacks.cert.pem')

async function openIdentity(folder: string, algorithm: KeyAlgorithm): Promise<Identity> {
  if (existsSync(certificateFile(folder))) {
    const known = await readIdentity(folder, 'callbacks')
    if (known.algorithm === algorithm) return known
  }
  const identity = await selfSignedIdentity({ ...NAME, algorithm })
  await writeIdentity(folder, 'callbacks', identity)
  return identity
}

const newUnid = (): string => newId().replaceAll('-', '')

/** The type 10 that a command is about. */
function caseOf(store: PlatformStore, { sn, unid }: CallbackCommand): HeldMessage | undefined {
  if (unid !== undefined) return store.messages.get(unid)
  return [...store.messages.values()].find((held) => held.type === '10' && held.sn === sn)
}

function callback(
  command: CallbackCommand,
  about: { unid: string; sn: string },
  filed: HeldMessage | undefined,
  store: PlatformStore,
): JsonObject {
  const time = shanghaiTime(new Date()).replace('T', ' ')
  const { type } = command
  const ofUnid = command.unid ?? filed?.unid ?? ''
  const usual: Record<CallbackType, () => JsonObject> = {
    99: () => ({
      Feedback: { OfType: '10', OfUnid: ofUnid, Result: 'Y', Code: '0000', Message: '已接收', Time: time },
    }),
    22: () => answerToLast(store, about.sn, command.answers ?? {}),
    25: () => ({
      Node: {
        ChargeName: '不动产登记费（住宅）',
        OrderNumber: `FS${about.unid.slice(0, 14)}`,
        DeptAccount: '',
        PaymentAmount: '80.00',
        CurrencyType: '156',
        PaymentState: '2',
        PaymentTime: time,
        PaymentBank: '示例银行股份有限公司阳新支行',
        PaymentRemark: '',
      },
    }),
    26: () => ({
      Withdrawal: { Reason: '双方同意撤回全部申请', ApplyTime: time, Operator: '经办员甲', Attrs: [] },
    }),
  }
  return {
    Case: {
      applyFrom: '21',
      type,
      unid: about.unid,
      xsd: '1.0',
      Router: { ...ROUTER, Time: time },
      Body: { ApasInfo: { SN: about.sn }, ...usual[type](), ...command.body },
    },
  }
}

/** Answers every item of the last correction that was relayed here. */
function answerToLast(store: PlatformStore, sn: string, answers: NonNullable<CallbackCommand['answers']>): JsonObject {
  const asked = [...store.messages.values()].findLast((held) => {
    const attrs = bodyOf(held).Attrs as readonly JsonObject[] | undefined
    return held.type === '22' && held.sn === sn && attrs?.some((attr) => attr.Requirement !== undefined) === true
  })
  const body = asked === undefined ? {} : bodyOf(asked)
  const attrs = (body.Attrs ?? []) as readonly JsonObject[]
  return {
    ApasInfo: { SN: sn, Type: '补齐补正' },
    Round: body.Round ?? '1',
    Attrs: attrs.map((attr) => {
      const value = attr.Mode === 'form' ? { Value: '' } : {}
      const answered = { ...attr, Answer: '已补正', ...value, ...answers[attr.SeqNo as string] }
      return Object.fromEntries(Object.entries(answered).filter(([name]) => name !== 'Requirement'))
    }),
    Documents: [],
  }
}

const bodyOf = (held: HeldMessage): JsonObject => (held.message.Case as JsonObject).Body as JsonObject

/** The same message but for a moment's difference, so that it is well formed and yet not what was signed. */
function altered(message: JsonObject): JsonObject {
  const content = message.Case as JsonObject
  return { Case: { ...content, Router: { ...(content.Router as JsonObject), Time: '2000-01-01 00:00:00' } } }
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const given = Object.entries(headers).map(([name, value]) => [name, [value ?? []].flat().join(', ')])
  return Object.fromEntries(given) as Record<string, string>
}

function documentIn(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString('utf8')) as Json
  } catch {
    return null
  }
}

function isAnswerSigned(
  message: Required<Parameters<typeof verifyMessage>[0]>,
  body: Buffer,
  keys: readonly VerificationKey[] | undefined,
): boolean | null {
  if (keys === undefined) return null
  try {
    const { covered } = verifyMessage(message, keys, { nowMs: Date.now(), windowSeconds: 300 })
    const needed = ['"@status"', '"content-digest"', '"@method";req', '"@target-uri";req']
    const fits = digestFits(message.response.headers['content-digest'] ?? '', body)
    return fits && needed.every((component) => covered.includes(component))
  } catch {
    return false
  }
}
