import { datePattern, isZone } from './calendar.ts'
import { charactersIn } from './characters.ts'
import type { CodeTable } from './code-table.ts'
import {
  type Argument,
  type Condition,
  type Expression,
  ExpressionFault,
  parseExpression,
  type StepCall,
} from './expression.ts'
import { functions } from './functions.ts'
import type { Located, Option } from './mapping-file.ts'
import type { ArgumentPlan, ChoicePlan, ConditionPlan, LiteralPlan, SourcePlan, StepPlan, ValuePlan } from './plan.ts'
import { type Report, resolvePath, type Scope, typedLiteral, type Usage } from './scope.ts'
import { type ArgumentKind, type Direction, type StepArguments, StepMisuse } from './step.ts'
import { textValue, type ValueType } from './value-type.ts'

/** What checking a value needs besides its scope. */
export interface ValueChecks {
  direction: Direction
  tables: ReadonlyMap<string, CodeTable>
  usage: Usage
  /** Takes the names of tables that steps use. */
  usedTables: Set<string>
  /** Reports at an offset of the file, about the current target. */
  report: Report
}

/** Checks the options of a line. Each takes for granted that the conditions before it did not hold. */
export function checkChoice(options: readonly Option[], scope: Scope, checks: ValueChecks): ChoicePlan | null {
  const plans: { when: ConditionPlan | null; value: ValuePlan }[] = []
  let rest = scope
  let failed = false
  for (const { when, expression } of options) {
    let inside = rest
    let condition: ConditionPlan | null = null
    if (when !== null) {
      const checked = checkCondition(when.tree, rest, checks, when.offset)
      if (checked === null) failed = true
      else {
        condition = checked.plan
        inside = rest.knowing(checked.ifTrue)
        rest = rest.knowing(checked.ifFalse)
      }
    }
    const value = checkExpression(expression, inside, checks)
    if (value === null) failed = true
    else plans.push({ when: condition, value })
  }
  const last = options.at(-1)
  if (failed || last === undefined) return null
  return {
    options: plans,
    mayBeAbsent: last.when !== null || plans.some(({ value }) => value.type.mayBeAbsent),
    text: options.map(({ expression }) => expression.tree.text).join(' / '),
    offset: options[0]?.expression.offset ?? 0,
  }
}

export function checkExpression(expression: Located<Expression>, scope: Scope, checks: ValueChecks): ValuePlan | null {
  const { tree, offset } = expression
  const source = checkSource(tree, scope, checks, offset)
  if (source === null) return null
  const steps: StepPlan[] = []
  let { type } = source
  for (const call of tree.steps) {
    const plan = checkStep(call, type, scope, checks, offset)
    if (plan === null) return null
    steps.push(plan.step)
    type = plan.result
  }
  return { source: source.plan, steps, type }
}

function checkSource(
  tree: Expression,
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): { plan: SourcePlan; type: ValueType } | null {
  const { source } = tree
  if (source.kind === 'literal') {
    const type = textValue({ literal: source.text, maxLength: charactersIn(source.text) })
    return { plan: { kind: 'literal', text: source.text }, type }
  }
  if (source.kind === 'row') {
    const block = source.of === null ? scope.names.at(-1) : scope.names.findLast((one) => one.name === source.of)
    if (block === undefined) {
      return checks.report(
        offset + source.offset,
        '$n 不在该块内',
        source.of === null
          ? '$n stands outside of any block'
          : `$n(${source.of}): there is no outer block of that name`,
      )
    }
    return { plan: { kind: 'row', block: block.block }, type: textValue({ type: 'integer', maxLength: 5 }) }
  }
  const resolved = resolvePath(source.path, scope, checks.usage, shifted(checks.report, offset))
  return resolved === null ? null : { plan: { kind: 'path', path: resolved.plan }, type: resolved.plan.type }
}

function checkStep(
  call: StepCall,
  input: ValueType,
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): { step: StepPlan; result: ValueType } | null {
  const at = offset + call.offset
  const step = functions.get(call.name)
  if (step === undefined) return checks.report(at, `没有步骤 ${call.name}`, `there is no step ${call.name}`)
  if (!step.directions.includes(checks.direction)) {
    return checks.report(at, `${call.name} 不能用于此方向`, `${call.name} is for the other direction`)
  }
  const args = checkArguments(call, step.args, scope, checks, offset)
  if (args === null) return null
  const facts: StepArguments = {
    integers: args.flatMap((arg) => (arg.kind === 'integer' && arg.value !== null ? [arg.value] : [])),
    texts: args.flatMap((arg) => (arg.kind === 'text' && arg.value !== null ? [arg.value] : [])),
    table: args.find((arg) => arg.kind === 'table')?.table ?? null,
    pattern: args.find((arg) => arg.kind === 'pattern')?.pattern ?? null,
    values: args.flatMap((arg) => (arg.kind === 'value' ? [arg.value.type] : [])),
  }
  try {
    const result = step.result(input, facts, checks.direction)
    return { step: { name: call.name, step, args, input }, result }
  } catch (cause) {
    if (!(cause instanceof StepMisuse)) throw cause
    return checks.report(at, cause.zh, `${call.name}: ${cause.message}`)
  }
}

function checkArguments(
  call: StepCall,
  kinds: readonly ArgumentKind[],
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): ArgumentPlan[] | null {
  const rest = kinds.at(-1) === 'values'
  const least = kinds.filter((kind) => !kind.startsWith('optional') && kind !== 'values').length
  if (call.args.length < least || (!rest && call.args.length > kinds.length)) {
    return checks.report(
      offset + call.offset,
      `${call.name} 的参数个数不对`,
      `${call.name} has ${call.args.length} argument(s), not as many as it needs`,
    )
  }
  const plans: ArgumentPlan[] = []
  for (const [index, kind] of kinds.entries()) {
    if (kind === 'values') {
      for (const arg of call.args.slice(index)) {
        const plan = checkArgument(arg, 'value', scope, checks, offset)
        if (plan === null) return null
        plans.push(plan)
      }
      continue
    }
    const arg = call.args[index]
    if (arg === undefined) {
      plans.push(kind === 'optional-integer' ? { kind: 'integer', value: null } : { kind: 'text', value: null })
      continue
    }
    const plan = checkArgument(arg, kind, scope, checks, offset)
    if (plan === null) return null
    plans.push(plan)
  }
  return plans
}

function checkArgument(
  arg: Argument,
  kind: ArgumentKind,
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): ArgumentPlan | null {
  const at = offset + arg.offset
  switch (kind) {
    case 'integer':
    case 'optional-integer':
      if (!/^\d{1,9}$/.test(arg.text))
        return checks.report(at, '此处应为整数', `a whole number is expected, not ${arg.text}`)
      return { kind: 'integer', value: Number(arg.text) }
    case 'text':
    case 'optional-text':
      if (arg.text === '') return checks.report(at, '参数不能为空', 'an empty argument')
      return { kind: 'text', value: arg.text }
    case 'half-or-full':
      if (arg.text !== 'half' && arg.text !== 'full')
        return checks.report(at, '应为 half 或 full', 'half or full is expected')
      return { kind: 'text', value: arg.text }
    case 'zone':
      if (!isZone(arg.text)) return checks.report(at, `未知时区 ${arg.text}`, `unknown time zone ${arg.text}`)
      return { kind: 'text', value: arg.text }
    case 'table': {
      const table = checks.tables.get(arg.text)
      checks.usedTables.add(arg.text)
      return table === undefined
        ? checks.report(at, `没有代码表 ${arg.text}`, `there is no code table ${arg.text}`)
        : { kind: 'table', table }
    }
    case 'pattern':
      try {
        return { kind: 'pattern', pattern: datePattern(arg.text) }
      } catch (cause) {
        return checks.report(at, '日期格式有误', (cause as Error).message)
      }
    case 'value':
    case 'values':
      return checkValueArgument(arg, scope, checks, at)
  }
}

function checkValueArgument(arg: Argument, scope: Scope, checks: ValueChecks, at: number): ArgumentPlan | null {
  if (arg.kind !== 'bare') {
    const type = textValue({ literal: arg.text, maxLength: charactersIn(arg.text) })
    return { kind: 'value', value: { source: { kind: 'literal', text: arg.text }, steps: [], type } }
  }
  let tree: Expression
  try {
    tree = parseExpression(arg.text)
  } catch (cause) {
    if (!(cause instanceof ExpressionFault)) throw cause
    return checks.report(at + cause.offset, cause.zh, cause.message)
  }
  const value = checkExpression({ tree, offset: at }, scope, checks)
  return value === null ? null : { kind: 'value', value }
}

interface CheckedCondition {
  plan: ConditionPlan
  /** Paths that are there if the condition holds, and if it does not. */
  ifTrue: readonly string[]
  ifFalse: readonly string[]
}

export function checkCondition(
  condition: Condition,
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): CheckedCondition | null {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return checkJoined(condition, scope, checks, offset)
    case 'not': {
      const inner = checkCondition(condition.of, scope, checks, offset)
      return inner === null
        ? null
        : { plan: { kind: 'not', of: inner.plan }, ifTrue: inner.ifFalse, ifFalse: inner.ifTrue }
    }
    case 'present':
    case 'absent': {
      const resolved = resolvePath(condition.path, scope, checks.usage, shifted(checks.report, offset))
      if (resolved === null) return null
      const plan: ConditionPlan = { kind: 'present', path: resolved.plan }
      return condition.kind === 'present'
        ? { plan, ifTrue: [resolved.known], ifFalse: [] }
        : { plan: { kind: 'not', of: plan }, ifTrue: [], ifFalse: [resolved.known] }
    }
    case 'compare': {
      const resolved = resolvePath(condition.path, scope, checks.usage, shifted(checks.report, offset))
      if (resolved === null) return null
      const { type } = resolved.plan
      if (type.kind !== 'leaf')
        return checks.report(
          offset + condition.path.offset,
          '只能比较单个值',
          `${condition.path.text} is no single value`,
        )
      const literals: LiteralPlan[] = []
      for (const { text, offset: literalOffset } of condition.literals) {
        const literal = typedLiteral(text, type)
        if (typeof literal === 'string')
          return checks.report(offset + literalOffset, literal, `${condition.path.text} can never be ${text}`)
        if (type.table !== null && checks.tables.get(type.table)?.codes.has(text) === false) {
          return checks.report(
            offset + literalOffset,
            `代码表 ${type.table} 没有 ${text}`,
            `code table ${type.table} does not have ${text}`,
          )
        }
        literals.push(literal)
      }
      return {
        plan: { kind: 'compare', path: resolved.plan, negated: condition.negated, literals },
        ifTrue: condition.negated ? [] : [resolved.known],
        ifFalse: condition.negated ? [resolved.known] : [],
      }
    }
  }
}

/** In `a and b`, b is judged where a holds; in `a or b`, where a does not. */
function checkJoined(
  condition: Extract<Condition, { kind: 'and' | 'or' }>,
  scope: Scope,
  checks: ValueChecks,
  offset: number,
): CheckedCondition | null {
  const isAnd = condition.kind === 'and'
  const parts: ConditionPlan[] = []
  const all: string[] = []
  let failed = false
  for (const part of condition.parts) {
    const checked = checkCondition(part, scope.knowing(all), checks, offset)
    if (checked === null) failed = true
    else {
      parts.push(checked.plan)
      all.push(...(isAnd ? checked.ifTrue : checked.ifFalse))
    }
  }
  if (failed) return null
  return { plan: { kind: condition.kind, parts }, ifTrue: isAnd ? all : [], ifFalse: isAnd ? [] : all }
}

export function shifted(report: Report, by: number): Report {
  return (offset, zh, en) => report(offset + by, zh, en)
}
