import { SaxesParser } from 'saxes'
import { readPlainXml } from './plain-xml.ts'
import type { Encoding } from './profile.ts'
import { textEncoding } from './text-encoding.ts'
import type { OpenElement, XmlElement } from './xml-element.ts'

/** Bytes that are no document of the profile. The message tells the place, never the content. */
export class MessageUnreadable extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'MessageUnreadable'
  }
}

export interface ReadLimits {
  bytes: number
  depth: number
}

const MOST_ATTRIBUTES = 1000

/**
 * Bytes to a tree: size, declared charset, fatal decoding, then a strict parser without DOCTYPE and processing
 * instructions, of bounded depth. A document without a declaration is taken as the profile's encoding.
 * @throws {MessageUnreadable}
 */
export function readXml(bytes: Uint8Array, encoding: Encoding, limits: ReadLimits): XmlElement {
  if (bytes.length > limits.bytes) throw new MessageUnreadable(`more than ${limits.bytes} bytes`)
  const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  if (hasBom && encoding.name !== 'UTF-8') throw new MessageUnreadable(`a UTF-8 mark in a ${encoding.name} message`)
  const declared = declaredEncoding(bytes)
  if (declared !== null && declared.toUpperCase() !== encoding.name) {
    throw new MessageUnreadable(`the message declares another encoding than ${encoding.name}`)
  }
  let text: string
  try {
    text = textEncoding(encoding).decode(hasBom ? bytes.subarray(3) : bytes)
  } catch (cause) {
    throw new MessageUnreadable(`bytes that are no ${encoding.name}`, cause)
  }
  return readPlainXml(text, limits.depth, MOST_ATTRIBUTES) ?? parse(text, limits.depth)
}

/** The declaration is ASCII in every encoding that a profile can name. */
function declaredEncoding(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  return /^(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(head)?.[1] ?? null
}

/** @internal The full parser, on its own for the test that holds the other to it. */
export function parse(text: string, depth: number): XmlElement {
  const parser = new SaxesParser({ xmlns: false, position: true })
  const open: OpenElement[] = []
  let root: XmlElement | null = null
  const refuse = (reason: string): never => {
    throw new MessageUnreadable(`line ${parser.line} column ${parser.column}: ${reason}`)
  }
  parser.on('error', (error) => refuse(syntaxReason(error)))
  parser.on('doctype', () => refuse('a DOCTYPE is not allowed'))
  parser.on('processinginstruction', () => refuse('a processing instruction is not allowed'))
  parser.on('xmldecl', (declaration) => {
    if (declaration.version !== undefined && declaration.version !== '1.0') refuse('only XML 1.0 is read')
  })
  parser.on('opentag', (tag) => {
    if (open.length >= depth) refuse(`more than ${depth} levels`)
    const attributes = Object.entries(tag.attributes)
    if (attributes.length > MOST_ATTRIBUTES) refuse(`more than ${MOST_ATTRIBUTES} attributes`)
    open.push({ name: tag.name, attributes: new Map(attributes), children: [], text: '' })
  })
  const addText = (more: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += more
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const element = open.pop()
    if (element === undefined) return
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else parent.children.push(element)
  })
  parser.write(text).close()
  return root ?? refuse('no element')
}

/** saxes quotes names of the message in its errors; only the kind of the error is kept. */
function syntaxReason(error: Error): string {
  const text = error.message.replace(/^(?:[^:]*:)?\d+:\d+: /, '')
  return /^[a-z ,'-]+/i.exec(text)?.[0].trim() ?? 'not well-formed'
}
