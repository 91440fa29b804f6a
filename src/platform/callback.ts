import type { Acknowledgement } from '../base/canonical.ts'
import { newId } from '../base/id.ts'
import type { Json } from '../base/json.ts'
import { type Fault, Problem } from '../base/problem.ts'
import { messageContexts, type Site } from '../cases/contexts.ts'
import type { FactName } from '../cases/facts.ts'
import { MappingError } from '../mapping/faults.ts'
import type { MappingSet } from '../mapping/mapping-set.ts'

/** What a platform says to us by itself: `canonical/callback`. */
export interface Callback {
  messageId: string
  type: CallbackType
  platformNumber?: string
  sentAt?: string
  acknowledgement?: Omit<Acknowledgement, 'messageId' | 'platformNumber'>
  correction?: { round: number; items: CallbackItem[] }
  payment?: {
    amount?: string
    currency?: string
    /** The fact of the fee that it says. */
    state: FactName
    paidAt?: string
    orderNumber?: string
    bank?: string
    remark?: string
  }
  withdrawal?: { reason: string; requestedAt?: string; operatorName?: string; materials?: { materialId: string }[] }
}

/** One item of a correction as it was answered at the platform: a file that we hold, or a field of a form. */
export interface CallbackItem {
  number: number
  mode: 'upload' | 'form'
  materialId?: string
  replaces?: string
  name?: string
  answer?: string
  field?: string
  formId?: string
  value?: string
}

const callbackTypes = ['99', '22', '25', '26'] as const
type CallbackType = (typeof callbackTypes)[number]

/**
 * Reads a callback by the mapping of its type.
 * @throws {Problem} request-malformed, callback-type-refused, message-invalid; none of them quotes a value.
 */
export function readCallback(
  body: Buffer,
  means: { profile: string; mappings: MappingSet; site: Site; now: Date },
): Callback {
  const { mappings, profile, now, site } = means
  let document: Json
  try {
    document = mappings.profile(profile).parse(body)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new Problem(
      'request-malformed',
      { zh: '报文不是规范的 JSON', en: 'the message is not strict JSON' },
      { cause: error },
    )
  }
  const given = memberOf(memberOf(document, 'Case'), 'type')
  const type = callbackTypes.find((one) => one === given)
  if (type === undefined) {
    const types = callbackTypes.join('、')
    throw new Problem('callback-type-refused', {
      zh: `回调只接受类型 ${types}`,
      en: `a callback is of type ${callbackTypes.join(', ')}`,
    })
  }
  const contexts = messageContexts({ id: newId(), createdAt: now }, site)
  try {
    return mappings.inward(`${profile}/callback-${type}`).read(body, contexts) as unknown as Callback
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    const faults: Fault[] = error.places.map(({ path, code, detail, detailEn }) => ({
      pointer: `/${path.replaceAll('.', '/')}`,
      code,
      detail,
      detailEn,
    }))
    throw new Problem(
      'message-invalid',
      { zh: `报文有 ${faults.length} 处不符合规范`, en: `the message has ${faults.length} faults` },
      { faults, cause: error },
    )
  }
}

/** A `unid` of 32 hex digits, however they are written, as the UUID that it is; null for one of another form. */
export function uuidOf(unid: string): string | null {
  const digits = unid.replaceAll('-', '').toLowerCase()
  const found = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits)
  return found === null ? null : found.slice(1).join('-')
}

/** What a message is kept under: one message is one message, however its `unid` is written. */
export function inboxId(unid: string): string {
  return uuidOf(unid)?.replaceAll('-', '') ?? unid.toLowerCase()
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as { [name: string]: Json })[name]
}
