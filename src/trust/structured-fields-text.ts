import type { BareItem, Dictionary, InnerList, Item, Member, Parameters } from './structured-fields.ts'

/** The one text of a structured value (RFC 9651, section 4.1). All throw TypeError for what has no text. */
export function itemText(item: Item): string {
  return bareItemText(item.value) + parametersText(item.parameters)
}

export function innerListText(list: InnerList): string {
  return `(${list.items.map(itemText).join(' ')})${parametersText(list.parameters)}`
}

export function memberText(member: Member): string {
  return member.kind === 'item' ? itemText(member) : innerListText(member)
}

/** Empty for an empty list: such a field is not sent at all. */
export function listText(list: readonly Member[]): string {
  return list.map(memberText).join(', ')
}

/** Empty for an empty dictionary: such a field is not sent at all. */
export function dictionaryText(dictionary: Dictionary): string {
  return [...dictionary]
    .map(([key, member]) => {
      if (member.kind === 'item' && member.value.type === 'boolean' && member.value.value) {
        return keyText(key) + parametersText(member.parameters)
      }
      return `${keyText(key)}=${memberText(member)}`
    })
    .join(', ')
}

function parametersText(parameters: Parameters): string {
  let text = ''
  for (const [key, value] of parameters) {
    text += `;${keyText(key)}`
    if (value.type !== 'boolean' || !value.value) text += `=${bareItemText(value)}`
  }
  return text
}

function keyText(key: string): string {
  if (!/^[a-z*][a-z0-9_\-.*]*$/.test(key)) throw new TypeError('not a structured field key')
  return key
}

export function bareItemText(item: BareItem): string {
  switch (item.type) {
    case 'integer':
      return integerText(item.value)
    case 'decimal':
      return decimalText(item.value)
    case 'string':
      if (!/^[\x20-\x7e]*$/.test(item.value)) throw new TypeError('a structured field string is printable ASCII')
      return `"${item.value.replace(/["\\]/g, '\\$&')}"`
    case 'token':
      if (!/^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/.test(item.value)) throw new TypeError('not a token')
      return item.value
    case 'bytes':
      return `:${item.value.toString('base64')}:`
    case 'boolean':
      return item.value ? '?1' : '?0'
    case 'date':
      return `@${integerText(item.value)}`
    case 'display':
      return displayText(item.value)
  }
}

function integerText(value: number): string {
  if (!Number.isInteger(value) || Math.abs(value) > 999_999_999_999_999) {
    throw new TypeError('not a structured field integer')
  }
  return String(value + 0)
}

function decimalText(value: number): string {
  const thousandths = roundHalfEven(value * 1000)
  if (!Number.isFinite(value) || Math.abs(thousandths) >= 1e15) throw new TypeError('not a structured field decimal')
  const digits = String(Math.abs(thousandths)).padStart(4, '0')
  const fraction = digits.slice(-3).replace(/0{1,2}$/, '')
  return `${thousandths < 0 ? '-' : ''}${digits.slice(0, -3)}.${fraction}`
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1
  return Math.round(value)
}

function displayText(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('lone surrogate in a display string')
  let text = ''
  for (const octet of Buffer.from(value, 'utf8')) {
    const plain = octet >= 0x20 && octet <= 0x7e && octet !== 0x25 && octet !== 0x22
    text += plain ? String.fromCharCode(octet) : `%${octet.toString(16).padStart(2, '0')}`
  }
  return `%"${text}"`
}
