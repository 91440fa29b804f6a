/**
 * What HTTP message signatures need of Structured Fields (RFC 9651): dictionaries whose members are inner lists of
 * strings (Signature-Input) or byte sequences (Signature, Content-Digest), with their parameters.
 */

type Value = string | number | boolean | Buffer
/** In the order in which they were written: the order is signed. */
type Parameters = readonly (readonly [name: string, value: Value])[]

/** A covered component, such as `"signature";req;key="sig1"`. */
export interface Component {
  name: string
  parameters: Parameters
}

export interface ComponentList {
  components: readonly Component[]
  parameters: Parameters
}

export class FieldError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FieldError'
  }
}

const LENGTH_MAXIMUM = 65_536

/** `sig1=("@method" …);created=…` as label and list. @throws {FieldError} */
export function readComponentLists(text: string): Map<string, ComponentList> {
  return readDictionary(text, (reader) => {
    const components: Component[] = []
    reader.expect('(')
    for (;;) {
      reader.skipSpaces()
      if (reader.take(')')) break
      if (components.length > 0 && !reader.isAfterSpace()) throw new FieldError('two components without a space')
      const name = reader.value()
      if (typeof name !== 'string') throw new FieldError('a component is a string')
      components.push({ name, parameters: reader.parameters() })
    }
    return { components, parameters: reader.parameters() }
  })
}

/** `sig1=:…:` or `sha-256=:…:` as label and bytes. @throws {FieldError} */
export function readByteSequences(text: string): Map<string, Buffer> {
  return readDictionary(text, (reader) => {
    const bytes = reader.value()
    if (!Buffer.isBuffer(bytes)) throw new FieldError('a byte sequence was expected')
    reader.parameters()
    return bytes
  })
}

export function componentText({ name, parameters }: Component): string {
  return valueText(name) + parametersText(parameters)
}

export function componentListText({ components, parameters }: ComponentList): string {
  return `(${components.map(componentText).join(' ')})${parametersText(parameters)}`
}

export function bytesText(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes).toString('base64')}:`
}

function parametersText(parameters: Parameters): string {
  return parameters.map(([name, value]) => (value === true ? `;${name}` : `;${name}=${valueText(value)}`)).join('')
}

function valueText(value: Value): string {
  if (typeof value === 'string') {
    if (!/^[\x20-\x7e]*$/.test(value)) throw new FieldError('a string is printable ASCII')
    return `"${value.replace(/[\\"]/g, '\\$&')}"`
  }
  if (typeof value === 'boolean') return value ? '?1' : '?0'
  if (typeof value === 'number') return String(value)
  return bytesText(value)
}

function readDictionary<Member>(text: string, readMember: (reader: Reader) => Member): Map<string, Member> {
  const reader = new Reader(text)
  const members = new Map<string, Member>()
  reader.skipSpaces()
  do {
    reader.skipSpaces()
    const key = reader.key()
    // The last one would win by the RFC; two readers of one signature must not see two values.
    if (members.has(key)) throw new FieldError(`${key} occurs twice`)
    reader.expect('=')
    members.set(key, readMember(reader))
    reader.skipSpaces()
  } while (reader.take(','))
  if (!reader.isAtEnd()) throw new FieldError('there is something after the last member')
  return members
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    if (text.length > LENGTH_MAXIMUM) throw new FieldError('the value is too long')
    this.#text = text
  }

  key(): string {
    return this.#match(/[a-z*][a-z0-9_.*-]*/y, 'a key')
  }

  value(): Value {
    switch (this.#text[this.#at]) {
      case '"':
        return this.#match(/"(?:[ !#-[\]-~]|\\["\\])*"/y, 'a string')
          .slice(1, -1)
          .replace(/\\(["\\])/g, '$1')
      case ':': {
        const base64 = this.#match(/:[A-Za-z0-9+/=]*:/y, 'a byte sequence').slice(1, -1)
        const bytes = Buffer.from(base64, 'base64')
        if (bytes.toString('base64') !== base64) throw new FieldError('the base64 is not in its one form')
        return bytes
      }
      case '?':
        return this.#match(/\?[01]/y, 'a boolean') === '?1'
      default:
        return Number(this.#match(/-?[0-9]{1,15}(?![0-9.])/y, 'an integer'))
    }
  }

  parameters(): Parameters {
    const parameters: [string, Value][] = []
    while (this.take(';')) {
      this.skipSpaces()
      const name = this.key()
      if (parameters.some(([other]) => other === name)) throw new FieldError(`the parameter ${name} occurs twice`)
      parameters.push([name, this.take('=') ? this.value() : true])
    }
    return parameters
  }

  expect(character: string): void {
    if (!this.take(character)) throw new FieldError(`${character} was expected at ${this.#at}`)
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  skipSpaces(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1
  }

  isAfterSpace(): boolean {
    return this.#text[this.#at - 1] === ' '
  }

  isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  #match(pattern: RegExp, wanted: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) throw new FieldError(`${wanted} was expected at ${this.#at}`)
    this.#at = pattern.lastIndex
    return found[0]
  }
}
