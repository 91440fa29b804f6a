import type { OpenElement, XmlElement } from './xml-element.ts'

/** What XML 1.0 has no place for, and the carriage return, which a parser turns into something else. */
const UNUSUAL = /[^\t\n -\ufffd]/
const DECLARATION = /^<\?xml version="1\.0"(?: encoding="[A-Za-z][A-Za-z0-9._-]*")?\?>/
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const IN_VALUE = /[<&\t\n]/
const REFERENCE = /&(?:amp|lt|gt|quot|apos);/g
const REFERENCES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
}

/** Names that were looked at before; a message has few, and the same in each. */
const names = new Set<string>()
const MOST_NAMES = 5000

/**
 * Reads a document of the plain kind, as programs write them: elements, attributes in double quotes, text, the five
 * named references. Gives null for anything else, well-formed or not, so that the full parser says what it is; where it
 * does give a tree, it is the full parser's.
 */
export function readPlainXml(text: string, depth: number, mostAttributes: number): XmlElement | null {
  if (UNUSUAL.test(text)) return null
  let at = DECLARATION.exec(text)?.[0].length ?? 0
  let root: OpenElement | null = null
  const open: OpenElement[] = []
  let current: OpenElement | undefined
  for (;;) {
    const tag = text.indexOf('<', at)
    if (tag < 0) break
    if (tag > at) {
      const piece = current === undefined ? blank(text, at, tag) : plainText(text.slice(at, tag))
      if (piece === null) return null
      if (current !== undefined) current.text += piece
    }
    if (text.charCodeAt(tag + 1) === SLASH) {
      const end = text.indexOf('>', tag)
      if (current === undefined || text.slice(tag + 2, end) !== current.name) return null
      open.pop()
      current = open.at(-1)
      at = end + 1
      continue
    }
    if (current === undefined && root !== null) return null
    const element: OpenElement = { name: '', attributes: new Map(), children: [], text: '' }
    const end = readTag(text, tag + 1, element)
    if (end < 0 || open.length >= depth || element.attributes.size > mostAttributes) return null
    if (current === undefined) root = element
    else current.children.push(element)
    if (text.charCodeAt(end - 2) !== SLASH) {
      open.push(element)
      current = element
    }
    at = end
  }
  return current === undefined && blank(text, at, text.length) !== null ? root : null
}

const SLASH = 0x2f
const CLOSE = 0x3e
const SPACE = 0x20
const NEWLINE = 0x0a
const TAB = 0x09

/** Fills in what stands between `<` and `>`; gives the place behind it, or -1. */
function readTag(text: string, start: number, element: OpenElement): number {
  let at = start
  for (let code = text.charCodeAt(at); !isBlank(code) && code !== SLASH && code !== CLOSE; code = text.charCodeAt(at)) {
    at += 1
    if (at >= text.length) return -1
  }
  element.name = text.slice(start, at)
  if (!isName(element.name)) return -1
  for (;;) {
    const before = at
    while (isBlank(text.charCodeAt(at))) at += 1
    const code = text.charCodeAt(at)
    if (code === CLOSE) return at + 1
    if (code === SLASH) return text.charCodeAt(at + 1) === CLOSE ? at + 2 : -1
    const equals = text.indexOf('="', at)
    if (at === before || equals < 0) return -1
    const name = text.slice(at, equals)
    const end = text.indexOf('"', equals + 2)
    if (end < 0 || !isName(name) || element.attributes.has(name)) return -1
    const value = text.slice(equals + 2, end)
    const plain = IN_VALUE.test(value) ? plainValue(value) : value
    if (plain === null) return -1
    element.attributes.set(name, plain)
    at = end + 1
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === NEWLINE || code === TAB
}

function isName(name: string): boolean {
  if (names.has(name)) return true
  if (!NAME.test(name)) return false
  if (names.size >= MOST_NAMES) names.clear()
  names.add(name)
  return true
}

/** A value with references; null with anything that a parser would change or refuse. */
function plainValue(value: string): string | null {
  return /[<\t\n]/.test(value) ? null : resolved(value)
}

function plainText(piece: string): string | null {
  if (piece.includes(']]>')) return null
  return piece.includes('&') ? resolved(piece) : piece
}

function resolved(text: string): string | null {
  if (text.replace(REFERENCE, '').includes('&')) return null
  return text.replace(REFERENCE, (reference) => REFERENCES[reference] as string)
}

/** Nothing, where there is nothing but blanks. */
function blank(text: string, from: number, to: number): '' | null {
  for (let at = from; at < to; at += 1) if (!isBlank(text.charCodeAt(at))) return null
  return ''
}
