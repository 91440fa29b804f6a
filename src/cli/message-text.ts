import { SaxesParser } from 'saxes'
import { charactersOf } from '../access/masking.ts'

/** Text of a message as the channel sent or got it; null for bytes that are none. */
export function messageText(bytes: Buffer): string | null {
  const declared = /^\uFEFF?<\?xml[^>]{0,200}?encoding=["']([\w-]+)["']/i.exec(bytes.toString('latin1', 0, 200))?.[1]
  const label = /^gb/i.test(declared ?? '') ? 'gb18030' : 'utf-8'
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/**
 * The same message for eyes that need not know whom it is about: its structure, and of its values only numbers of up to
 * six digits, dates, and numbers and ids of the gateway. Null where no structure is found, so that nothing slips through.
 */
export function maskedMessage(text: string): string | null {
  const trimmed = text.trimStart()
  if (trimmed.startsWith('<')) return maskedXml(trimmed)
  try {
    const document: unknown = JSON.parse(text)
    return JSON.stringify(document, (_key, value: unknown) => maskedJson(value), 2)
  } catch {
    return null
  }
}

const SHOWN = [
  /^[/\s]*$/,
  /^-?\d{1,6}(\.\d{1,6})?$/,
  /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/,
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  /^[0-9a-f]{32}$/,
  // Business numbers and BizMsgIDs: an id number has the century 18, 19 or 20 in the place of the year.
  /^\d{6}(?!18|19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])\d{6}(\d\d)?$/,
]

/** One value of such a message. */
export function maskedValue(value: string): string {
  if (SHOWN.some((form) => form.test(value))) return value
  return `${charactersOf(value.trim())[0] ?? ''}***`
}

function maskedJson(value: unknown): unknown {
  if (typeof value === 'string') return maskedValue(value)
  return typeof value === 'number' ? maskedValue(String(value)) : value
}

function maskedXml(text: string): string | null {
  const lines: string[] = []
  let depth = 0
  let isOpen = false
  const parser = new SaxesParser()
  const put = (line: string): void => void lines.push('  '.repeat(depth) + line)
  parser.on('opentag', ({ name, attributes }) => {
    const shown = Object.entries(attributes).map(([attribute, value]) => ` ${attribute}="${maskedValue(value)}"`)
    put(`<${name}${shown.join('')}>`)
    depth += 1
    isOpen = true
  })
  parser.on('text', (content) => {
    if (content.trim() === '') return
    lines[lines.length - 1] += maskedValue(content)
  })
  parser.on('cdata', (content) => {
    lines[lines.length - 1] += maskedValue(content)
  })
  parser.on('closetag', ({ name }) => {
    depth -= 1
    if (isOpen) lines[lines.length - 1] += `</${name}>`
    else put(`</${name}>`)
    isOpen = false
  })
  try {
    parser.write(text).close()
  } catch {
    return null
  }
  return lines.join('\n')
}
