import type { Json } from '../base/json.ts'
import { MessageUnreadable, type ReadLimits } from './read-xml.ts'

/**
 * Bytes to JSON, strictly: UTF-8 without mark, no double keys, no NUL, no lone surrogates, bounded size and depth.
 * @throws {MessageUnreadable} telling the place, never the content.
 */
export function readJson(bytes: Uint8Array, limits: ReadLimits): Json {
  if (bytes.length > limits.bytes) throw new MessageUnreadable(`more than ${limits.bytes} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new MessageUnreadable('bytes that are no UTF-8', cause)
  }
  return new JsonReader(text, limits.depth).document()
}

const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

class JsonReader {
  readonly #text: string
  readonly #depth: number
  #at = 0

  constructor(text: string, depth: number) {
    this.#text = text
    this.#depth = depth
  }

  document(): Json {
    const value = this.#value(1)
    this.#blanks()
    if (this.#at < this.#text.length) this.#fail('something follows the document')
    return value
  }

  #value(level: number): Json {
    this.#blanks()
    const sign = this.#text[this.#at]
    if (sign === '{') return this.#object(level)
    if (sign === '[') return this.#array(level)
    if (sign === '"') return this.#string()
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    const number = Number(this.#match(NUMBER, 'a value is expected'))
    return Number.isFinite(number) ? number : this.#fail('a number out of range')
  }

  #object(level: number): Json {
    this.#enter(level)
    const members = new Map<string, Json>()
    this.#blanks()
    while (this.#text[this.#at] !== '}') {
      if (members.size > 0) this.#take(',')
      this.#blanks()
      const start = this.#at
      const key = this.#string()
      if (members.has(key)) {
        this.#at = start
        this.#fail('a key occurs twice')
      }
      this.#blanks()
      this.#take(':')
      members.set(key, this.#value(level + 1))
      this.#blanks()
    }
    this.#at += 1
    return Object.fromEntries(members)
  }

  #array(level: number): Json {
    this.#enter(level)
    const members: Json[] = []
    this.#blanks()
    while (this.#text[this.#at] !== ']') {
      if (members.length > 0) this.#take(',')
      members.push(this.#value(level + 1))
      this.#blanks()
    }
    this.#at += 1
    return members
  }

  #enter(level: number): void {
    if (level > this.#depth) this.#fail(`more than ${this.#depth} levels`)
    this.#at += 1
  }

  #string(): string {
    const start = this.#at
    const text = JSON.parse(this.#match(STRING, 'a string is expected')) as string
    if (!text.isWellFormed() || text.includes('\u0000')) {
      this.#at = start
      this.#fail('a string holds NUL or half of a surrogate pair')
    }
    return text
  }

  #take(sign: string): void {
    if (this.#text[this.#at] !== sign) this.#fail(`${sign} is expected`)
    this.#at += 1
  }

  #match(pattern: RegExp, otherwise: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return this.#fail(otherwise)
    this.#at += found.length
    return found
  }

  #blanks(): void {
    for (;;) {
      const sign = this.#text.charCodeAt(this.#at)
      if (sign !== 0x20 && sign !== 0x0a && sign !== 0x0d && sign !== 0x09) return
      this.#at += 1
    }
  }

  #fail(reason: string): never {
    throw new MessageUnreadable(`character ${this.#at}: ${reason}`)
  }
}

const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]
