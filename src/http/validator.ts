import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Fault } from '../base/problem.ts'

/** Most faults of one body that are told; beyond that the rest is noise. */
const FAULTS_MAXIMUM = 100

/** Keywords of our own that belong to mappings, not to validation. */
const OWN_KEYWORDS = ['x-xml', 'x-empty', 'x-type', 'x-pattern', 'x-bytes', 'x-code', 'x-unit', 'x-items', 'x-alias']

export type Validate = (body: unknown) => Fault[]

/**
 * Compiles the canonical schemas once. Nothing is mended: no coercion, no defaults, no removal; an unknown member is a
 * fault.
 */
export function openValidator(schemasDir: string): (schema: string) => Validate {
  const first = compilerOf(schemasDir, false)
  const all = compilerOf(schemasDir, true)
  return (schema) => {
    const name = `canonical/${schema}.schema.json`
    const isValid = first.getSchema(name)
    const validate = all.getSchema(name)
    if (isValid === undefined || validate === undefined) throw new Error(`there is no canonical schema ${schema}`)
    return (body) => {
      if (isValid(body) === true) return []
      // Gathering all faults costs the square of their number: of a monstrous body the first one must do.
      if (isMonstrous(body)) return toFaults(isValid)
      return validate(body) === true ? [] : toFaults(validate)
    }
  }
}

/** More objects and lists than any application has. */
const NODES_MAXIMUM = 3000

function isMonstrous(body: unknown): boolean {
  let left = NODES_MAXIMUM
  const open: unknown[] = [body]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node !== 'object' || node === null) continue
    left -= 1
    const members: unknown[] = Array.isArray(node) ? node : Object.values(node)
    if (left <= 0 || members.length > NODES_MAXIMUM) return true
    open.push(...members)
  }
  return false
}

function compilerOf(schemasDir: string, allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    coerceTypes: false,
    useDefaults: false,
    removeAdditional: false,
    verbose: false,
    // They are our own, and a test holds them to their meta-schema; doing so costs a fifth of a second at each start.
    validateSchema: false,
  })
  addFormats.default(ajv)
  for (const keyword of OWN_KEYWORDS) ajv.addKeyword(keyword)
  const folder = join(schemasDir, 'canonical')
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.schema.json')) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object)
  }
  return ajv
}

function toFaults(validate: ValidateFunction): Fault[] {
  const faults: Fault[] = []
  const seen = new Set<string>()
  for (const error of validate.errors ?? []) {
    // What each member lacks to be the one that a list must contain; the list's own error says it once.
    if (error.schemaPath.includes('/contains/')) continue
    const fault = toFault(error)
    if (fault === null) continue
    const key = `${fault.pointer}\n${fault.code}`
    if (seen.has(key)) continue
    seen.add(key)
    faults.push(fault)
    if (faults.length === FAULTS_MAXIMUM) break
  }
  // Whatever failed, the body is not valid: a failure without a sentence of its own is told by where it is.
  const [first] = validate.errors ?? []
  if (faults.length === 0 && first !== undefined) {
    return [
      {
        pointer: first.instancePath,
        code: 'schema-violated',
        detail: '不符合报文规范',
        detailEn: `violates ${first.keyword}`,
      },
    ]
  }
  return faults
}

/** What can be wrong with a member, whatever body it is in; the sentence in a fault says it of the member at hand. */
export const shapeFaults = {
  'field-missing': ['缺少必填字段', 'A field that is required is missing'],
  'field-unknown': ['未知字段', 'There is no such field'],
  'field-not-allowed': ['在此情形下不应出现该字段', 'The field is not allowed in this case'],
  'type-wrong': ['类型不符', 'The value is of another type'],
  'value-not-in-list': ['取值不在允许范围内', 'The value is none of those allowed'],
  'format-wrong': ['格式错误', 'The value does not have the form that is asked for'],
  'length-wrong': ['长度或数量超出限制', 'A text or list is too long or too short'],
  'out-of-range': ['数值超出范围', 'A number is too large or too small'],
  'item-missing': ['列表缺少必需的一项', 'A list lacks an item that it must contain'],
  'items-repeated': ['列表中有重复项', 'A list has the same item twice'],
  'schema-violated': ['不符合报文规范', 'The body does not match its schema otherwise'],
} as const satisfies Record<string, readonly [zh: string, en: string]>

type Words = [code: keyof typeof shapeFaults, zh: string, en: string]

/** One sentence of what is wrong, in both languages; null for errors that only repeat what others say. */
function toFault(error: ErrorObject): Fault | null {
  const params = error.params as Record<string, unknown>
  const at = error.instancePath
  const member = (name: unknown): string => `${at}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
  const fault = (pointer: string, [code, zh, en]: Words): Fault => ({ pointer, code, detail: zh, detailEn: en })
  switch (error.keyword) {
    case 'if':
    case 'oneOf':
    case 'anyOf':
    case 'allOf':
    case 'not':
      return null
    case 'required':
      return fault(member(params['missingProperty']), ['field-missing', '缺少必填字段', 'the field is required'])
    case 'dependentRequired':
      return fault(member(params['missingProperty']), ['field-missing', '在此情形下必填', 'the field is required here'])
    case 'additionalProperties':
      return fault(member(params['additionalProperty']), ['field-unknown', '未知字段', 'there is no such field'])
    case 'false schema':
      return fault(at, ['field-not-allowed', '在此情形下不应出现该字段', 'the field is not allowed here'])
    case 'type':
      return fault(at, [
        'type-wrong',
        `类型应为 ${String(params['type'])}`,
        `must be of type ${String(params['type'])}`,
      ])
    case 'enum':
      return fault(at, [
        'value-not-in-list',
        '取值不在允许范围内',
        `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`,
      ])
    case 'const':
      return fault(at, ['value-not-in-list', '取值不符', `must be ${JSON.stringify(params['allowedValue'])}`])
    case 'pattern':
      return fault(at, ['format-wrong', '格式错误', `must match ${String(params['pattern'])}`])
    case 'format':
      return fault(at, [
        'format-wrong',
        `格式应为 ${String(params['format'])}`,
        `must be a ${String(params['format'])}`,
      ])
    case 'maxLength':
    case 'minLength':
    case 'maxItems':
    case 'minItems':
      return fault(at, [
        'length-wrong',
        `长度或数量超出限制（${String(params['limit'])}）`,
        `${error.keyword} is ${String(params['limit'])}`,
      ])
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return fault(at, [
        'out-of-range',
        `数值超出范围（${String(params['limit'])}）`,
        `${error.keyword} is ${String(params['limit'])}`,
      ])
    case 'contains':
      return fault(at, ['item-missing', '列表缺少必需的一项', 'the list lacks an item that it must contain'])
    case 'uniqueItems':
      return fault(at, ['items-repeated', '列表中有重复项', 'items must differ'])
    default:
      return fault(at, ['schema-violated', '不符合报文规范', `violates ${error.keyword}`])
  }
}
