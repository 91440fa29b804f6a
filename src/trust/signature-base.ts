import { type AnswerMessage, headerValues, type Message, type RequestMessage, targetParts } from './http-message.ts'
import { type InnerList, type Item, parseDictionary, StructuredFieldError } from './structured-fields.ts'
import { bareItemText, innerListText, itemText, memberText } from './structured-fields-text.ts'

/** A component that cannot be had: unknown, absent, or with parameters that do not apply. */
export class ComponentError extends Error {
  /** The component's identifier as it stands in the signature base. */
  readonly component: string
  readonly reason: 'absent' | 'unsupported'

  constructor(component: string, reason: 'absent' | 'unsupported') {
    super(`the component ${component} is ${reason}`)
    this.name = 'ComponentError'
    this.component = component
    this.reason = reason
  }
}

/**
 * The bytes that are signed (RFC 9421, 2.5). `params` holds the components and the signature's parameters in order.
 * @throws {ComponentError}
 */
export function signatureBase(message: Message, params: InnerList): Buffer {
  const seen = new Set<string>()
  let base = ''
  for (const component of params.items) {
    const identifier = itemText(component)
    // The same component twice would let two readers take two values for the one signed.
    if (seen.has(identifier)) throw new ComponentError(identifier, 'unsupported')
    seen.add(identifier)
    const value = componentValue(message, component, identifier)
    // A line break would be a line of the base; above one byte a character, it is no header.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw new ComponentError(identifier, 'unsupported')
    base += `${identifier}: ${value}\n`
  }
  // Header bytes above ASCII reach us one a character.
  return Buffer.from(`${base}"@signature-params": ${innerListText(params)}`, 'latin1')
}

/** The components' identifiers as they stand in the base: `"@method";req`. */
export function componentIdentifiers(params: InnerList): string[] {
  return params.items.map(itemText)
}

function componentValue(message: Message, component: Item, identifier: string): string {
  if (component.value.type !== 'string') throw new ComponentError(identifier, 'unsupported')
  const name = component.value.value
  const parameters = new Map(component.parameters)
  const fromRequest = takeFlag(parameters.get('req'), identifier)
  parameters.delete('req')
  if (fromRequest && !isAnswer(message)) throw new ComponentError(identifier, 'unsupported')
  const target: Message = fromRequest && isAnswer(message) ? message.request : message
  if (name.startsWith('@')) {
    const value = derivedValue(target, name, parameters)
    if (value === null) throw new ComponentError(identifier, 'unsupported')
    if (value === undefined) throw new ComponentError(identifier, 'absent')
    return value
  }
  return fieldValue(target, name, parameters, identifier)
}

function takeFlag(value: Item['value'] | undefined, identifier: string): boolean {
  if (value === undefined) return false
  if (value.type !== 'boolean' || !value.value) throw new ComponentError(identifier, 'unsupported')
  return true
}

function isAnswer(message: Message): message is AnswerMessage {
  return 'status' in message
}

/** Null: we cannot derive it; undefined: the message does not have it. */
function derivedValue(
  message: Message,
  name: string,
  parameters: ReadonlyMap<string, Item['value']>,
): string | null | undefined {
  if (isAnswer(message)) return name === '@status' && parameters.size === 0 ? String(message.status) : null
  if (name === '@query-param') return queryParameter(message, parameters)
  if (parameters.size > 0) return null
  const parts = targetParts(message.targetUri)
  if (parts === null) return undefined
  switch (name) {
    case '@method':
      return message.method
    case '@target-uri':
      return message.targetUri
    case '@authority':
      return parts.authority
    case '@scheme':
      return parts.scheme
    case '@path':
      return parts.path
    case '@query':
      return parts.query
    case '@request-target':
      return parts.path + (parts.query === '?' ? '' : parts.query)
    default:
      return null
  }
}

/** One named query parameter that occurs once (RFC 9421, 2.2.8), decoded and encoded anew. */
function queryParameter(
  message: RequestMessage,
  parameters: ReadonlyMap<string, Item['value']>,
): string | null | undefined {
  const name = parameters.get('name')
  if (name?.type !== 'string' || parameters.size !== 1) return null
  const found = [...new URLSearchParams(targetParts(message.targetUri)?.query ?? '')].filter(
    ([key]) => encodeQuery(key) === name.value,
  )
  const [first] = found
  return first === undefined || found.length > 1 ? undefined : encodeQuery(first[1])
}

function encodeQuery(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function fieldValue(
  message: Message,
  name: string,
  parameters: ReadonlyMap<string, Item['value']>,
  identifier: string,
): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) throw new ComponentError(identifier, 'unsupported')
  const values = headerValues(message.rawHeaders, name)
  if (values.length === 0) throw new ComponentError(identifier, 'absent')
  const [parameter, ...more] = parameters.keys()
  if (parameter === undefined) return values.join(', ')
  if (more.length > 0) throw new ComponentError(identifier, 'unsupported')
  if (parameter === 'bs' && takeFlag(parameters.get('bs'), identifier)) {
    return values.map((value) => bareItemText({ type: 'bytes', value: Buffer.from(value, 'latin1') })).join(', ')
  }
  const key = parameters.get('key')
  if (key?.type !== 'string') throw new ComponentError(identifier, 'unsupported')
  return dictionaryMember(values.join(', '), key.value, identifier)
}

function dictionaryMember(text: string, key: string, identifier: string): string {
  try {
    const member = parseDictionary(text).get(key)
    if (member === undefined) throw new ComponentError(identifier, 'absent')
    return memberText(member)
  } catch (error) {
    if (error instanceof StructuredFieldError) throw new ComponentError(identifier, 'absent')
    throw error
  }
}
