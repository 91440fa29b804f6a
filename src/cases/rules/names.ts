// Dots that people type between the parts of a name; the register's own is U+00B7.
const dots = /[\u2022\u2027\u2219\u22C5\u30FB\uFF65\uFF0E]/g

/** For comparison only: look-alikes of · brought together. What is stored and sent stays as it came. */
export function comparableName(name: string): string {
  return name.replace(dots, '\u00B7')
}

export function isSameName(a: string, b: string): boolean {
  return a === b || comparableName(a) === comparableName(b)
}
