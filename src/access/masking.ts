const graphemes = new Intl.Segmenter('zh', { granularity: 'grapheme' })

/** Characters as a person counts them: 𠮷 is one, and so is a letter with its marks. */
export function charactersOf(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment)
}

/** First character, then a star for each other: 张**. Of a single one nothing. */
export function maskedName(name: string): string {
  const [first = '', ...others] = charactersOf(name)
  return others.length === 0 ? '*' : first + '*'.repeat(others.length)
}

/** First six and last four, where enough is left between; else the first two, but never more than half. */
export function maskedIdNumber(idNumber: string): string {
  if (idNumber.length < 15) {
    const shown = Math.min(2, Math.floor(idNumber.length / 2))
    return idNumber.slice(0, shown) + '*'.repeat(idNumber.length - shown)
  }
  return idNumber.slice(0, 6) + '*'.repeat(idNumber.length - 10) + idNumber.slice(-4)
}

/** The last four digits, of a short number the last two, but never more than half. */
export function maskedPhone(phone: string): string {
  const shown = phone.length >= 8 ? 4 : Math.min(2, Math.floor(phone.length / 2))
  return '*'.repeat(phone.length - shown) + phone.slice(phone.length - shown)
}

/** The first six characters, which name county or town, but never more than half: 阳新县示例镇****. */
export function maskedAddress(address: string): string {
  const characters = charactersOf(address)
  const shown = Math.min(6, Math.floor(characters.length / 2))
  return `${characters.slice(0, shown).join('')}****`
}
