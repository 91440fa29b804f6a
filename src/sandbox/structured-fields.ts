/** Structured fields (RFC 8941), as much as message signatures and digests use. */
type BareItem = string | number | boolean | Buffer | { token: string }
export interface Item {
  value: BareItem
  params: [string, BareItem][]
}
export interface InnerList {
  items: Item[]
  params: [string, BareItem][]
}
export type Member = Item | InnerList

/** @throws {SyntaxError} for text that is no dictionary. A key given twice keeps its last value, as the RFC says. */
export function parseDictionary(text: string): Map<string, Member> {
  const reader = new Reader(text)
  const members = new Map<string, Member>()
  reader.skip(/ */y)
  while (!reader.atEnd()) {
    const key = reader.key()
    const member = reader.take('=') ? reader.member() : { value: true, params: reader.params() }
    members.delete(key)
    members.set(key, member)
    reader.skip(/[ \t]*/y)
    if (reader.atEnd()) break
    reader.expect(',')
    reader.skip(/[ \t]*/y)
    if (reader.atEnd()) throw new SyntaxError('comma at the end of a dictionary')
  }
  return members
}

export function isInnerList(member: Member | undefined): member is InnerList {
  return member !== undefined && 'items' in member
}

function serializeBareItem(value: BareItem): string {
  if (typeof value === 'string') return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? '?1' : '?0'
  return Buffer.isBuffer(value) ? `:${value.toString('base64')}:` : value.token
}

function serializeParams(params: [string, BareItem][]): string {
  return params.map(([key, value]) => (value === true ? `;${key}` : `;${key}=${serializeBareItem(value)}`)).join('')
}

export function serializeMember(member: Member): string {
  if (!isInnerList(member)) return serializeBareItem(member.value) + serializeParams(member.params)
  const items = member.items.map((item) => serializeBareItem(item.value) + serializeParams(item.params))
  return `(${items.join(' ')})${serializeParams(member.params)}`
}

class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  atEnd(): boolean {
    return this.at >= this.text.length
  }

  take(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at += 1
    return true
  }

  expect(character: string): void {
    if (!this.take(character)) throw new SyntaxError(`'${character}' expected at ${this.at}`)
  }

  /** Reads what a sticky pattern matches here; undefined when it does not. */
  skip(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.at = pattern.lastIndex
    return match
  }

  key(): string {
    const match = this.skip(/[a-z*][a-z0-9_.*-]*/y)
    if (match === undefined) throw new SyntaxError(`key expected at ${this.at}`)
    return match[0]
  }

  member(): Member {
    if (!this.take('(')) return { value: this.bareItem(), params: this.params() }
    const items: Item[] = []
    for (;;) {
      this.skip(/ */y)
      if (this.take(')')) break
      items.push({ value: this.bareItem(), params: this.params() })
      if (this.text[this.at] !== ' ' && this.text[this.at] !== ')') throw new SyntaxError(`bad list at ${this.at}`)
    }
    return { items, params: this.params() }
  }

  params(): [string, BareItem][] {
    const params: [string, BareItem][] = []
    while (this.take(';')) {
      this.skip(/ */y)
      const key = this.key()
      params.push([key, this.take('=') ? this.bareItem() : true])
    }
    return params
  }

  bareItem(): BareItem {
    const string = this.skip(/"((?:[ !#-[\]-~]|\\["\\])*)"/y)
    if (string !== undefined) return (string[1] as string).replaceAll(/\\(["\\])/g, '$1')
    const bytes = this.skip(/:([A-Za-z0-9+/=]*):/y)
    if (bytes !== undefined) return Buffer.from(bytes[1] as string, 'base64')
    const number = this.skip(/-?\d{1,15}(\.\d{1,3})?/y)
    if (number !== undefined) return Number(number[0])
    const boolean = this.skip(/\?([01])/y)
    if (boolean !== undefined) return boolean[1] === '1'
    const token = this.skip(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y)
    if (token !== undefined) return { token: token[0] }
    throw new SyntaxError(`item expected at ${this.at}`)
  }
}
