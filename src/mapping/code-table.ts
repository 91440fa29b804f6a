import { charactersIn } from './characters.ts'
import type { YamlFile } from './yaml-file.ts'

/** One code table of a profile: canonical words and wire codes. */
export interface CodeTable {
  name: string
  title: string
  /** What becomes of a code on the way in that the table does not have. */
  unknown: 'refuse' | 'keep'
  values: readonly CodeValue[]
  /** Canonical word to wire code, for the way out. */
  toCode: ReadonlyMap<string, string>
  /** Wire code to canonical word, for the way in. */
  toWord: ReadonlyMap<string, string>
  codes: ReadonlySet<string>
  /** The words are `true` and `false` and stand for a boolean. */
  isBoolean: boolean
  /** Length of the longest code in characters. */
  longestCode: number
  text: string
}

interface CodeValue {
  word: string | null
  code: string
  /** The name for people. */
  name: string
}

interface Row extends CodeValue {
  preferred: boolean
  offset: number
}

/** Reads a code table; faults go to the file's list. Null when nothing useful is left. */
export function readCodeTable(yaml: YamlFile, expectedName: string): CodeTable | null {
  let title = ''
  let unknown: string | null = null
  let wordsAreCodes = false
  const rows: Row[] = []
  for (const { key, offset, value } of yaml.entries(yaml.root, '')) {
    if (key === 'values') {
      for (const item of yaml.items(value, 'values')) rows.push(readRow(yaml, item))
      continue
    }
    const text = yaml.scalar(value, key)?.text ?? ''
    if (key === 'table') {
      if (text !== expectedName) yaml.fault(offset, key, '表名与文件名不同', `the file is called ${expectedName}`)
    } else if (key === 'title') title = text
    else if (key === 'unknown') unknown = text
    else if (key === 'words' && text === 'codes') wordsAreCodes = true
    else yaml.fault(offset, key, '未知的键', `unknown key ${key}`)
  }
  if (unknown !== 'refuse' && unknown !== 'keep') {
    yaml.fault(0, 'unknown', '须写明 unknown: refuse 或 keep', 'unknown: refuse or keep must be said')
    unknown = 'refuse'
  }
  if (rows.length === 0) {
    yaml.fault(0, 'values', '代码表为空', 'the table has no values')
    return null
  }
  for (const row of rows) if (wordsAreCodes && row.word === null) row.word = row.code
  const worded = rows.filter((row): row is Row & { word: string } => row.word !== null)
  return {
    name: expectedName,
    title,
    unknown: unknown as 'refuse' | 'keep',
    values: rows.map(({ word, code, name }) => ({ word, code, name })),
    toCode: oneWay(
      yaml,
      worded,
      (row) => row.word,
      (row) => row.code,
    ),
    toWord: oneWay(
      yaml,
      worded,
      (row) => row.code,
      (row) => row.word,
    ),
    codes: new Set(rows.map((row) => row.code)),
    isBoolean: worded.length > 0 && worded.every((row) => row.word === 'true' || row.word === 'false'),
    longestCode: Math.max(...rows.map((row) => charactersIn(row.code))),
    text: yaml.text,
  }
}

function readRow(yaml: YamlFile, item: unknown): Row {
  const row: Row = { word: null, code: '', name: '', preferred: false, offset: 0 }
  for (const { key, offset, value } of yaml.entries(item, 'values')) {
    row.offset = row.offset === 0 ? offset : row.offset
    const text = yaml.scalar(value, key)?.text ?? ''
    if (key === 'word') row.word = text
    else if (key === 'code') row.code = text
    else if (key === 'name') row.name = text
    else if (key === 'preferred') row.preferred = text === 'true'
    else yaml.fault(offset, key, '未知的键', `unknown key ${key}`)
  }
  if (row.code === '') yaml.fault(row.offset, row.word ?? 'values', '缺少代码', 'a value without code')
  return row
}

/** Of several rows with one key, exactly one must be preferred. */
function oneWay(
  yaml: YamlFile,
  rows: readonly (Row & { word: string })[],
  keyOf: (row: Row & { word: string }) => string,
  valueOf: (row: Row & { word: string }) => string,
): Map<string, string> {
  const groups = new Map<string, (Row & { word: string })[]>()
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row])
  const result = new Map<string, string>()
  for (const [key, group] of groups) {
    const preferred = group.filter((row) => row.preferred)
    const chosen = group.length === 1 ? group[0] : preferred.length === 1 ? preferred[0] : undefined
    if (chosen === undefined) {
      const row = group[1] ?? group[0]
      yaml.fault(
        row?.offset ?? 0,
        key,
        '同一词或同一代码有多行：须恰有一行标 preferred',
        'several lines for one word or code: exactly one must be preferred',
      )
    } else result.set(key, valueOf(chosen))
  }
  return result
}
