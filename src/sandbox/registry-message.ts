import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { decodeGb18030, encodeGb18030 } from './gb18030.ts'

/** A row of Data: an empty element with attributes, all text. */
export interface Row {
  name: string
  attributes: Readonly<Record<string, string>>
}

/** A row with those of the attributes that have a value. */
export function rowOf(name: string, attributes: Readonly<Record<string, string | undefined>>): Row {
  const given = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { name, attributes: Object.fromEntries(given) }
}

/** A message of the gateway: Head in document order, and the rows. */
export interface RegistryMessage {
  head: ReadonlyMap<string, string>
  headOrder: readonly string[]
  rows: readonly Row[]
}

/** What the registry answers; every decided answer goes out with status 200. */
export interface RegistryAnswer {
  bizMsgId: string
  success: boolean
  code: string
  info: string
  rows: readonly Row[]
}

export class MessageError extends Error {
  override name = 'MessageError'
}

/** Nodes as fast-xml-parser gives them with preserveOrder: one key for the name, `:@` for the attributes. */
type XmlNode = { [name: string]: XmlNode[] } & { ':@'?: Record<string, string>; '#text'?: string }

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
})
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * Reads the bytes that came over the wire. GB18030 must be declared, and nothing else is understood.
 * @throws {MessageError} saying why the message cannot be read.
 */
export function parseRegistryMessage(bytes: Buffer): RegistryMessage {
  const start = bytes.subarray(0, 100).toString('latin1')
  if (!/^<\?xml\s+version="1\.0"\s+encoding="GB18030"\s*(standalone="(yes|no)"\s*)?\?>/i.test(start)) {
    throw new MessageError('报文未声明 GB18030 编码')
  }
  let text: string
  try {
    text = decodeGb18030(bytes)
  } catch {
    throw new MessageError('报文不是有效的 GB18030 字节')
  }
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) throw new MessageError('报文不得包含 DOCTYPE')
  const validity = XMLValidator.validate(withShortContent(text))
  if (validity !== true) throw new MessageError(`报文不是格式良好的 XML，第 ${validity.err.line} 行`)
  const roots = elements(parser.parse(text) as XmlNode[]).filter((node) => !node.name.startsWith('?'))
  const [root] = roots
  if (root === undefined || roots.length > 1 || root.name !== 'Message') throw new MessageError('根元素应为 Message')
  const [head, data, ...others] = elements(root.children)
  if (head?.name !== 'Head' || data?.name !== 'Data' || others.length > 0) {
    throw new MessageError('Message 下应依次为 Head 与 Data')
  }
  const fields = elements(head.children)
  const rows = elements(data.children)
  if (rows.some((row) => elements(row.children).length > 0)) throw new MessageError('Data 的行不得有子元素')
  return {
    head: new Map(fields.map((field) => [field.name, resolved(textOf(field.children))])),
    headOrder: fields.map((field) => field.name),
    rows: rows.map((row) => ({
      name: row.name,
      attributes: Object.fromEntries(Object.entries(row.attributes).map(([name, value]) => [name, resolved(value)])),
    })),
  }
}

/**
 * As well formed as the text, or as little: the validator goes letter by letter, half a second for a scanned contract,
 * and of a value in base64 one letter says as much as millions.
 */
function withShortContent(text: string): string {
  const isContent = (between: string): boolean => between.length > 1000 && !/[^A-Za-z0-9+/=]/.test(between)
  return text
    .split('"')
    .map((between) => (isContent(between) ? 'A' : between))
    .join('"')
}

/** The answer as it goes over the wire. */
export function respondDocument(answer: RegistryAnswer): Buffer {
  const field = (name: string, value: string): string =>
    value === '' ? `<${name}/>` : `<${name}>${escaped(value)}</${name}>`
  const rows = answer.rows.map((row) => {
    const attributes = Object.entries(row.attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`)
    return `<${row.name}${attributes.join('')}/>`
  })
  return encodeGb18030(
    '<?xml version="1.0" encoding="GB18030"?>\n<respond>' +
      field('BizMsgID', answer.bizMsgId) +
      field('SuccessFlag', answer.success ? '1' : '2') +
      field('ResponseCode', answer.code) +
      field('ResponseInfo', answer.info) +
      '<CertID/><QRCode/><AdditionalData/><AdditionalData2/>' +
      (rows.length === 0 ? '' : `<Data>${rows.join('')}</Data>`) +
      '</respond>',
  )
}

interface Element {
  name: string
  children: XmlNode[]
  attributes: Record<string, string>
}

function elements(nodes: readonly XmlNode[]): Element[] {
  const found: Element[] = []
  for (const node of nodes) {
    const name = Object.keys(node).find((key) => key !== ':@')
    if (name === undefined || name === '#text') continue
    found.push({ name, children: node[name] as XmlNode[], attributes: node[':@'] ?? {} })
  }
  return found
}

const textOf = (nodes: readonly XmlNode[]): string => nodes.map((node) => node['#text'] ?? '').join('')

/** Replaces references once; @throws {MessageError} for one that XML does not know without a DTD. */
function resolved(text: string): string {
  return text.replaceAll(/&([^;&]*);?/g, (reference: string, name: string) => {
    const known = ENTITIES[name]
    if (known !== undefined) return known
    const digits = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(name)
    if (digits === null || !reference.endsWith(';')) throw new MessageError('报文含有无法识别的实体引用')
    return String.fromCodePoint(digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16))
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
