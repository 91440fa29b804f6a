const graphemes = new Intl.Segmenter('zh', { granularity: 'grapheme' })
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
/** Control and formatting characters: what would move the cursor, colour the screen or turn the direction of writing. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Columns that a text takes on a terminal: two for a Chinese character. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** What came from outside is text on the terminal, never a command to it; line ends and tabs only with `lines`. */
export function shown(text: string, { lines = false }: { lines?: boolean } = {}): string {
  return text.replace(UNSHOWABLE, (character) => {
    if (lines && (character === '\n' || character === '\t')) return character
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

export type Cell = string | number | boolean | Date | readonly string[] | null

/** Rows under their heads, columns in line however wide the characters are. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [heads, ...rows.map((row) => row.map(cellText))]
  const widths = heads.map((_, i) => Math.max(...lines.map((line) => displayWidth(line[i] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellText(cell: Cell): string {
  if (cell === null) return '-'
  if (cell instanceof Date) return cell.toISOString()
  if (typeof cell === 'boolean') return cell ? '是 yes' : '否 no'
  if (typeof cell === 'object') return shown(cell.join(','))
  return shown(String(cell))
}

/** One JSON document with `asJson`, else a table; a sentence for none. */
export function printList<Row>(
  list: readonly Row[],
  asJson: boolean,
  columns: readonly (readonly [head: string, cell: (row: Row) => Cell])[],
): void {
  if (asJson) console.log(JSON.stringify(list))
  else if (list.length === 0) console.log('（无 / none）')
  else
    console.log(
      table(
        columns.map(([head]) => head),
        list.map((row) => columns.map(([, cell]) => cell(row))),
      ),
    )
}
