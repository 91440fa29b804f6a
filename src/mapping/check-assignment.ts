import type { CodeTable } from './code-table.ts'
import type { LeafNode } from './schema.ts'
import type { Direction } from './step.ts'
import { type LeafValue, typeName, type ValueType } from './value-type.ts'

/** Why a value of the type cannot be written to the field: Chinese, English; null when it can. */
export function assignmentFault(
  value: ValueType,
  target: LeafNode,
  direction: Direction,
  tables: ReadonlyMap<string, CodeTable>,
): readonly [string, string] | null {
  if (value.kind !== 'leaf') {
    const [zh, en] = typeName(value)
    return [`目标是单个值，得到的是${zh}`, `the target takes a single value, not a ${en}`]
  }
  if (target.maxLength !== null && value.maxLength !== null && value.maxLength > target.maxLength) {
    return [
      `最长 ${value.maxLength} 个字符，目标只容 ${target.maxLength} 个`,
      `up to ${value.maxLength} characters, the target takes ${target.maxLength}`,
    ]
  }
  if (value.literal !== null) return literalFault(value.literal, target, direction, tables)
  return direction === 'out' ? outwardFault(value, target) : inwardFault(value, target)
}

function literalFault(
  literal: string,
  target: LeafNode,
  direction: Direction,
  tables: ReadonlyMap<string, CodeTable>,
): readonly [string, string] | null {
  const table = target.table === null || direction === 'in' ? undefined : tables.get(target.table)
  if (table !== undefined && !table.codes.has(literal)) {
    return [`代码表 ${table.name} 没有 ${literal}`, `code table ${table.name} does not have ${literal}`]
  }
  if (target.words !== null && !target.words.includes(literal)) {
    return [`枚举中没有 ${literal}`, `${literal} is not in the enumeration of the target`]
  }
  const wrong =
    (target.type === 'integer' && !/^-?\d{1,15}$/.test(literal)) ||
    (target.type === 'decimal' && !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(literal)) ||
    (target.type === 'boolean' && literal !== 'true' && literal !== 'false')
  return wrong ? mismatch(typeName({ kind: 'leaf', type: 'text' } as LeafValue), target) : null
}

function outwardFault(value: LeafValue, target: LeafNode): readonly [string, string] | null {
  if (target.table !== null) {
    if (value.table === target.table) return null
    return [
      `该字段的代码表是 ${target.table}：请用 code(${target.table})`,
      `a code of table ${target.table} is expected: use code(${target.table})`,
    ]
  }
  switch (target.type) {
    case 'text':
    case 'code':
      if (value.type === 'boolean') return ['是否值须经 code(…) 转换', 'a boolean goes out through code(…)']
      if (value.type === 'instant') return ['时刻须经 instant(…) 转换', 'an instant goes out through instant(…)']
      return null
    case 'integer':
      return value.type === 'integer' ? null : mismatch(typeName(value), target)
    case 'decimal':
      if (value.type !== 'decimal' && value.type !== 'integer') return mismatch(typeName(value), target)
      return unitFault(value, target)
    case 'boolean':
      return value.type === 'boolean' ? null : mismatch(typeName(value), target)
    case 'date':
    case 'instant':
      return stampFault(value, target)
  }
}

function stampFault(value: LeafValue, target: LeafNode): readonly [string, string] | null {
  if (value.type === 'date' && target.type === 'date') {
    return target.pattern === null || target.pattern === 'yyyy-MM-dd' ? null : patternFault(target.pattern)
  }
  if (value.stamp === null) return mismatch(typeName(value), target)
  return target.pattern === null || target.pattern === value.pattern ? null : patternFault(target.pattern)
}

function patternFault(pattern: string): readonly [string, string] {
  return [`该字段的格式是 ${pattern}`, `the pattern of this field is ${pattern}`]
}

function inwardFault(value: LeafValue, target: LeafNode): readonly [string, string] | null {
  if (target.table !== null && target.words === null) {
    return value.table === target.table
      ? null
      : [`该字段须为代码表 ${target.table} 的代码`, `a code of table ${target.table} is expected`]
  }
  switch (target.type) {
    case 'text':
      return value.type === 'boolean' ? mismatch(typeName(value), target) : null
    case 'code': {
      const strange = (value.words ?? []).filter((word) => target.words?.includes(word) === false)
      if (strange.length > 0) {
        return [`目标枚举中没有：${strange.join('、')}`, `not in the enumeration of the target: ${strange.join(', ')}`]
      }
      return value.type === 'code'
        ? null
        : [
            '须经 meaning(…) 转换（未知代码为 refuse）',
            'an enumeration takes meaning(…) of a table that refuses unknown codes',
          ]
    }
    case 'decimal':
      if (value.type !== 'decimal' && value.type !== 'integer') return mismatch(typeName(value), target)
      return unitFault(value, target)
    case 'integer':
    case 'boolean':
    case 'date':
    case 'instant':
      return value.type === target.type ? null : mismatch(typeName(value), target)
  }
}

function unitFault(value: LeafValue, target: LeafNode): readonly [string, string] | null {
  if (value.unit === target.unit || (value.unit === null && target.unit !== null && value.type === 'integer'))
    return null
  const names = { wan: ['万元', 'wan'], yuan: ['元', 'yuan'], none: ['无单位', 'no unit'] } as const
  const [from, to] = [names[value.unit ?? 'none'], names[target.unit ?? 'none']]
  return [`金额单位不符：${from[0]} → ${to[0]}`, `the units differ: ${from[1]} into ${to[1]}`]
}

function mismatch([zh, en]: [string, string], target: LeafNode): readonly [string, string] {
  const [targetZh, targetEn] = typeName({ kind: 'leaf', type: target.type } as LeafValue)
  return [`类型不符：${zh} → ${targetZh}`, `the types differ: ${en} into ${targetEn}`]
}
