/**
 * The first characters of a text, counted as code points, so that no character is cut in halves: half of a surrogate pair
 * can be written in no message.
 */
export function firstCharacters(text: string, count: number): string {
  // No character is longer than two units, so a text that is much too long is not taken apart as a whole.
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join('')
}

/** The text on one line, with a blank for each character that no text of a document holds. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\ufffe\uffff]/gu, ' ')
}
