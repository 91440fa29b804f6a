/** Lengths are counted in characters (code points): 𠮷 is one, as registries count it. */
export function charactersIn(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Whether a text has more than `most` characters. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most && (text.length > most * 2 || charactersIn(text) > most)
}
