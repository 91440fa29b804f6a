/** A fault of a mapping, profile, code table or schema file, found before anything runs. Lines and columns from 1. */
export interface MappingFault {
  file: string
  line: number
  column: number
  /** What the fault is about: a target or source path, a word of a code table, a key. */
  path: string
  detail: string
  detailEn: string
}

/** All faults of all files at once: a wrong mapping stops the start. */
export class MappingFaults extends Error {
  readonly faults: readonly MappingFault[]

  constructor(faults: readonly MappingFault[]) {
    const lines = faults.map((f) => `${f.file}:${f.line}:${f.column} ${f.path}: ${f.detailEn} (${f.detail})`)
    super(`${faults.length} fault(s) in the mappings\n${lines.join('\n')}`)
    this.name = 'MappingFaults'
    this.faults = faults
  }
}

/** What can be wrong with one document that a mapping runs on, in both languages. Values are never part of it. */
export const placeDetails = {
  missing: ['必填项无值', 'a required value is absent'],
  'too-long': ['内容超过长度上限', 'longer than the field allows'],
  'too-many-bytes': ['编码后超过字节上限', 'more bytes than the field allows'],
  'too-many-rows': ['行数超过上限', 'more rows than the list allows'],
  'wrong-type': ['值的类型不符', 'not of the type that the schema says'],
  'not-in-table': ['代码表中没有该值', 'the code table does not have this value'],
  'digit-lost': ['换算会丢失位数', 'the conversion would lose a digit'],
  'not-a-decimal': ['不是十进制数', 'not a decimal'],
  'not-a-date': ['不是有效日期或与格式不符', 'not a date of the pattern'],
  'local-time-unclear': ['当地时间不存在或重复（夏令时）', 'a local time that never was or was twice'],
  'not-single': ['应恰有一项', 'exactly one member was expected'],
  'not-encodable': ['目标字符集没有该字符', 'a character that the encoding does not have'],
  'not-xml': ['XML 不允许的字符', 'a character that XML does not allow'],
  'not-json': ['JSON 不允许的字符', 'a character that is not allowed in JSON'],
  doubled: ['重复出现', 'occurs more than once'],
  malformed: ['报文无法解析', 'the message cannot be read'],
} as const satisfies Record<string, readonly [string, string]>

export type PlaceCode = keyof typeof placeDetails

/** One place of a document that could not be written or read. `source` is what the mapping takes the value from. */
export interface MappingPlace {
  path: string
  code: PlaceCode
  detail: string
  detailEn: string
  source?: string
}

export function mappingPlace(
  path: string,
  code: PlaceCode,
  more: { source?: string; hint?: string } = {},
): MappingPlace {
  const [detail, detailEn] = placeDetails[code]
  return {
    path,
    code,
    detail,
    detailEn: more.hint === undefined ? detailEn : `${detailEn}: ${more.hint}`,
    ...(more.source === undefined ? {} : { source: more.source }),
  }
}

/** A document that a mapping refuses, with all places, never only the first. */
export class MappingError extends Error {
  readonly mapping: string
  readonly places: readonly MappingPlace[]

  constructor(mapping: string, places: readonly MappingPlace[]) {
    super(`${mapping}: ${places.map((p) => `${p.path}: ${p.detailEn}`).join('; ')}`)
    this.name = 'MappingError'
    this.mapping = mapping
    this.places = places
  }
}

/** Collects faults of one file; `at` is where in the file they are. */
export interface Position {
  line: number
  column: number
}

export class FaultList {
  readonly faults: MappingFault[] = []

  add(file: string, at: Position, path: string, zh: string, en: string): void {
    this.faults.push({ file, line: at.line, column: at.column, path, detail: zh, detailEn: en })
  }
}
