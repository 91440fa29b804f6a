/**
 * Structured Field Values for HTTP (RFC 9651): the values, and the strict parser of section 4.2.
 * Time and memory are linear in the text, whose length is bounded; there is no recursion.
 */

export type BareItem =
  | { type: 'integer'; value: number }
  | { type: 'decimal'; value: number }
  | { type: 'string'; value: string }
  | { type: 'token'; value: string }
  | { type: 'bytes'; value: Buffer }
  | { type: 'boolean'; value: boolean }
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  | { type: 'date'; value: number }
  | { type: 'display'; value: string }

export type Parameters = ReadonlyMap<string, BareItem>

export interface Item {
  kind: 'item'
  value: BareItem
  parameters: Parameters
}

export interface InnerList {
  kind: 'inner-list'
  items: readonly Item[]
  parameters: Parameters
}

export type Member = Item | InnerList
export type Dictionary = ReadonlyMap<string, Member>

export class StructuredFieldError extends Error {
  /** Where the fault is, in characters from the start of the field's value. */
  readonly position: number

  constructor(message: string, position: number) {
    super(`${message} at position ${position}`)
    this.name = 'StructuredFieldError'
    this.position = position
  }
}

export interface ParseOptions {
  /** Refuse a key that occurs twice; the RFC lets the last one win, which no signed value should depend on. */
  unique?: boolean
}

/** Longest text taken, in characters: two byte sequences of the size that every parser must take, and room. */
const maxLength = 65_536
const maxMagnitude = 999_999_999_999_999

/** @throws {StructuredFieldError} */
export function parseItem(text: string, options: ParseOptions = {}): Item {
  const parser = new Parser(text, options)
  return parser.whole(() => parser.item())
}

/** @throws {StructuredFieldError} */
export function parseList(text: string, options: ParseOptions = {}): readonly Member[] {
  const parser = new Parser(text, options)
  return parser.whole(() => parser.list())
}

/** @throws {StructuredFieldError} */
export function parseDictionary(text: string, options: ParseOptions = {}): Dictionary {
  const parser = new Parser(text, options)
  return parser.whole(() => parser.dictionary())
}

class Parser {
  readonly #text: string
  readonly #unique: boolean
  #at = 0

  constructor(text: string, options: ParseOptions) {
    if (text.length > maxLength) throw new StructuredFieldError('the value is too long', maxLength)
    this.#text = text
    this.#unique = options.unique === true
  }

  whole<T>(parse: () => T): T {
    this.#skip(' ')
    const value = parse()
    this.#skip(' ')
    if (this.#at < this.#text.length) throw this.#fault('unexpected character')
    return value
  }

  list(): readonly Member[] {
    const members: Member[] = []
    if (this.#at === this.#text.length) return members
    do members.push(this.#member())
    while (this.#another())
    return members
  }

  dictionary(): Dictionary {
    const members = new Map<string, Member>()
    if (this.#at === this.#text.length) return members
    do {
      const key = this.#key(members)
      const member: Member = this.#take('=')
        ? this.#member()
        : { kind: 'item', value: { type: 'boolean', value: true }, parameters: this.#parameters() }
      members.set(key, member)
    } while (this.#another())
    return members
  }

  item(): Item {
    const value = this.#bareItem()
    return { kind: 'item', value, parameters: this.#parameters() }
  }

  /** After a member: true if a comma and a further member follow. */
  #another(): boolean {
    this.#skip(' \t')
    if (this.#at === this.#text.length) return false
    if (!this.#take(',')) throw this.#fault('expected a comma')
    this.#skip(' \t')
    if (this.#at === this.#text.length) throw this.#fault('nothing after the comma')
    return true
  }

  #member(): Member {
    return this.#peek() === '(' ? this.#innerList() : this.item()
  }

  #innerList(): InnerList {
    const items: Item[] = []
    this.#at += 1
    for (;;) {
      this.#skip(' ')
      if (this.#take(')')) return { kind: 'inner-list', items, parameters: this.#parameters() }
      items.push(this.item())
      const next = this.#peek()
      if (next !== ' ' && next !== ')') throw this.#fault('expected a space or the end of the inner list')
    }
  }

  #parameters(): Parameters {
    const parameters = new Map<string, BareItem>()
    while (this.#take(';')) {
      this.#skip(' ')
      const key = this.#key(parameters)
      parameters.set(key, this.#take('=') ? this.#bareItem() : { type: 'boolean', value: true })
    }
    return parameters
  }

  #key(taken: ReadonlyMap<string, unknown>): string {
    const key = this.#match(/[a-z*][a-z0-9_\-.*]*/y, 'expected a key')
    if (this.#unique && taken.has(key)) throw this.#fault(`the key ${key} occurs twice`)
    return key
  }

  #bareItem(): BareItem {
    const first = this.#peek()
    if (first === '"') return { type: 'string', value: this.#string() }
    if (first === ':') return { type: 'bytes', value: this.#bytes() }
    if (first === '?') return { type: 'boolean', value: this.#match(/\?[01]/y, 'expected ?0 or ?1') === '?1' }
    if (first === '@') return { type: 'date', value: this.#date() }
    if (first === '%') return { type: 'display', value: this.#display() }
    if (/[-0-9]/.test(first)) return this.#number()
    if (/[A-Za-z*]/.test(first)) {
      return { type: 'token', value: this.#match(/[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y, 'expected a token') }
    }
    throw this.#fault('expected a value')
  }

  #number(): BareItem {
    const text = this.#match(/-?[0-9]+(?:\.[0-9]*)?/y, 'expected a number')
    const [whole = '', fraction] = text.replace('-', '').split('.')
    if (fraction === undefined) {
      if (whole.length > 15) throw this.#fault('the integer has more than 15 digits')
      return { type: 'integer', value: Number(text) + 0 }
    }
    if (whole.length > 12) throw this.#fault('the decimal has more than 12 integer digits')
    if (fraction.length < 1 || fraction.length > 3) throw this.#fault('the decimal has not 1 to 3 fractional digits')
    return { type: 'decimal', value: Number(text) }
  }

  #date(): number {
    this.#at += 1
    const number = this.#number()
    if (number.type !== 'integer' || Math.abs(number.value) > maxMagnitude) throw this.#fault('a date is an integer')
    return number.value
  }

  #string(): string {
    const raw = this.#match(/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y, 'the string is malformed')
    return raw.slice(1, -1).replace(/\\(["\\])/g, '$1')
  }

  #bytes(): Buffer {
    const base64 = this.#match(/:[A-Za-z0-9+/=]*:/y, 'the byte sequence is malformed').slice(1, -1)
    const value = Buffer.from(base64, 'base64')
    // Padding and pad bits must be those of the one canonical form: a second form of a signature is a second signature.
    if (value.toString('base64') !== base64) throw this.#fault('the byte sequence is not canonical base64')
    return value
  }

  #display(): string {
    const raw = this.#match(
      /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y,
      'the display string is malformed',
    ).slice(2, -1)
    const octets = Buffer.from(
      raw.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    )
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
    } catch {
      throw this.#fault('the display string is not UTF-8')
    }
  }

  #match(pattern: RegExp, complaint: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) throw this.#fault(complaint)
    this.#at = pattern.lastIndex
    return found[0]
  }

  #peek(): string {
    return this.#text.charAt(this.#at)
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at += 1
    return true
  }

  #skip(characters: string): void {
    while (this.#at < this.#text.length && characters.includes(this.#peek())) this.#at += 1
  }

  #fault(message: string): StructuredFieldError {
    return new StructuredFieldError(message, this.#at)
  }
}
