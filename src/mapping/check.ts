import { assignmentFault } from './check-assignment.ts'
import { checkIgnores } from './check-usage.ts'
import { checkChoice, checkCondition, shifted, type ValueChecks } from './check-value.ts'
import type { CodeTable } from './code-table.ts'
import type { Block, Line, MappingFile } from './mapping-file.ts'
import type { BlockPlan, ChoicePlan, FieldPlan, ListPlan, Plan, RecordPlan } from './plan.ts'
import { type ForbiddenNames, forbiddenName } from './profile.ts'
import type { ListNode, MessageSchema, RecordNode, SchemaNode } from './schema.ts'
import { type Report, resolvePath, Scope, type Usage } from './scope.ts'
import type { Direction } from './step.ts'

export interface CheckInput {
  file: MappingFile
  direction: Direction
  from: MessageSchema
  to: MessageSchema
  contexts: RecordNode
  tables: ReadonlyMap<string, CodeTable>
  forbidden: ForbiddenNames
}

/**
 * Gives every name of a mapping its meaning and says everything that is wrong with it, to the faults of its file.
 * The plan is only to be used when there were no faults.
 */
export function checkMapping(input: CheckInput): Plan {
  return new Checker(input).run()
}

class Checker {
  readonly #input: CheckInput
  readonly #usage: Usage = { plain: new Set(), filtered: new Set() }
  readonly #usedTables = new Set<string>()
  /** Targets whose line has a fault of its own, so that they are not called missing too. */
  readonly #failed = new Set<string>()
  #blocks = 0

  constructor(input: CheckInput) {
    this.#input = input
  }

  run(): Plan {
    const { file, direction, from, to, contexts } = this.#input
    const scope = new Scope(from.root, contexts, direction === 'in')
    const root = this.#lines(file.lines, to.root, scope, '')
    this.#required(root, to.root, '', file.heads.get('set') ?? 0, true)
    const hasFaults = file.yaml.faults.faults.some((fault) => fault.file === file.yaml.file)
    checkIgnores(file, from.root, scope, this.#usage, hasFaults)
    return { name: file.name, version: file.version, direction, from, to, root, usedTables: this.#usedTables }
  }

  #report(target: string): Report {
    return (offset, zh, en) => {
      this.#input.file.yaml.fault(offset, target, zh, en)
      return null
    }
  }

  #checks(report: Report): ValueChecks {
    return {
      direction: this.#input.direction,
      tables: this.#input.tables,
      usage: this.#usage,
      usedTables: this.#usedTables,
      report,
    }
  }

  #lines(lines: readonly Line[], node: RecordNode, scope: Scope, under: string): RecordPlan {
    const plan: RecordPlan = { kind: 'record', node, fields: new Map() }
    for (const line of lines) this.#line(line, plan, scope, under)
    return plan
  }

  #line(line: Line, base: RecordPlan, scope: Scope, under: string): void {
    const path = `${under}${line.target}`
    const report = this.#report(path)
    const group = line.target.endsWith('[]')
    const names = (group ? line.target.slice(0, -2) : line.target).split('.')
    const last = names.pop() ?? ''
    let plan = base
    for (const name of names) {
      const field = plan.node.fields.get(name)
      if (field === undefined)
        return void report(line.offset, `目标不存在：${path}`, `unknown target ${path} (no ${name})`)
      if (field.node.kind === 'list')
        return void report(
          line.offset,
          `${name} 是列表，须写成 ${name}[] 块`,
          `${name} is a list: give it a block of its own, ${name}[]`,
        )
      if (field.node.kind === 'leaf')
        return void report(line.offset, `目标不存在：${path}`, `unknown target ${path} (${name} is a single value)`)
      let inner = plan.fields.get(name)
      if (inner?.kind !== 'record') {
        inner = { kind: 'record', node: field.node, fields: new Map() }
        plan.fields.set(name, inner)
      }
      plan = inner
    }
    const field = plan.node.fields.get(last)
    if (field === undefined)
      return void report(line.offset, `目标不存在：${path}`, `unknown target ${path} (no ${last})`)
    if (plan.fields.has(last))
      return void report(line.offset, `同一目标写了两次：${path}`, `two lines for one target: ${path}`)
    this.#forbidden(path, names.length + 1, line.offset, report)
    const content = this.#content(line, field.node, group, scope, path)
    if (content !== null) plan.fields.set(last, content)
    else this.#failed.add(path)
  }

  #content(line: Line, node: SchemaNode, group: boolean, scope: Scope, path: string): FieldPlan | null {
    const report = this.#report(path)
    if (node.kind === 'list') {
      if (!group) return report(line.offset, `${path} 是列表，须写成 ${path}[]`, `${path} is a list: write ${path}[]`)
      return this.#list(line, node, scope, path)
    }
    if (group || line.value.kind === 'blocks') {
      return report(line.offset, `${path} 不是列表，不能用行块`, `${path} is no list and takes no block of rows`)
    }
    if (node.kind === 'record')
      return report(line.offset, `${path} 是记录，请写到其字段`, `${path} is a record: write to its fields`)
    if (node.table !== null) this.#usedTables.add(node.table)
    const value = checkChoice(line.value.options, scope, this.#checks(report))
    if (value === null) return null
    for (const [index, option] of value.options.entries()) {
      const fault = assignmentFault(option.value.type, node, this.#input.direction, this.#input.tables)
      if (fault !== null) report(line.value.options[index]?.expression.offset ?? line.offset, ...fault)
    }
    return { kind: 'leaf', node, value }
  }

  #list(line: Line, node: ListNode, scope: Scope, path: string): ListPlan | null {
    const report = this.#report(path)
    if (line.value.kind === 'blocks') {
      if (node.item.kind !== 'record')
        return report(
          line.offset,
          `${path} 的成员是单个值，须用一个表达式`,
          `the members of ${path} are single values: write one expression`,
        )
      const item = node.item
      return {
        kind: 'list',
        node,
        content: { kind: 'blocks', blocks: line.value.blocks.map((block) => this.#block(block, item, scope, path)) },
      }
    }
    if (node.item.kind !== 'leaf') return report(line.offset, `${path} 须用行块`, `${path} takes a block of rows`)
    const value: ChoicePlan | null = checkChoice(line.value.options, scope, this.#checks(report))
    if (value === null) return null
    for (const { value: option } of value.options) {
      const { type } = option
      if (type.kind !== 'list')
        return report(line.offset, `${path} 须为列表`, `${path} takes an expression that gives a list`)
      const fault = assignmentFault(type.item, node.item, this.#input.direction, this.#input.tables)
      if (fault !== null) report(value.offset, ...fault)
    }
    return { kind: 'list', node, content: { kind: 'values', value } }
  }

  #block(block: Block, item: RecordNode, outer: Scope, path: string): BlockPlan {
    const id = ++this.#blocks
    const report = this.#report(path)
    const checks = this.#checks(report)
    let scope = outer.with({ name: null, block: id, node: item, wire: false, key: null, filteredKey: null })
    let each: BlockPlan['each'] = null
    if (block.each !== null) {
      const { tree, offset, name } = block.each
      const resolved = resolvePath(tree, outer, this.#usage, shifted(report, offset))
      if (resolved !== null && resolved.plan.type.kind !== 'list') {
        report(offset + tree.offset, `${tree.text} 不是列表`, `${tree.text} is no list`)
      } else if (resolved !== null) {
        if (outer.names.some((one) => one.name === name) || outer.contexts.fields.has(name)) {
          report(offset, `名称 ${name} 已被使用`, `the name ${name} is taken by an outer block or a context`)
        }
        each = resolved.plan
        const members = resolved.node.kind === 'list' ? resolved.node.item : resolved.node
        const filteredKey = resolved.filteredKey
        scope = outer.with({
          name,
          block: id,
          node: members,
          wire: resolved.wire,
          key: resolved.key,
          filteredKey: filteredKey === null || filteredKey.endsWith(']') ? filteredKey : `${filteredKey}[]`,
        })
      } else {
        return { id, each: null, where: null, content: { kind: 'rows', blocks: [] } }
      }
    }
    const where = block.where === null ? null : checkCondition(block.where.tree, scope, checks, block.where.offset)
    if (where !== null) scope = scope.knowing(where.ifTrue)
    if (block.rows !== null) {
      const blocks = block.rows.map((one) => this.#block(one, item, scope, path))
      return { id, each, where: where?.plan ?? null, content: { kind: 'rows', blocks } }
    }
    const record = this.#lines(block.set ?? [], item, scope, `${path}.`)
    this.#required(record, item, `${path}.`, block.offset, true)
    return { id, each, where: where?.plan ?? null, content: { kind: 'set', record } }
  }

  /**
   * `strict`: the record is certainly written, so a required field must be certain too. A record that is only
   * written when one of its fields has a value needs a line for each required field; whether it has a value is then
   * seen when it runs.
   */
  #required(plan: RecordPlan, node: RecordNode, under: string, offset: number, strict: boolean): void {
    for (const [name, field] of node.fields) {
      const path = `${under}${name}`
      const report = this.#report(path)
      const line = plan.fields.get(name)
      if (field.node.kind === 'record') {
        const inner: RecordPlan | null =
          line?.kind === 'record'
            ? line
            : field.required && strict
              ? { kind: 'record', node: field.node, fields: new Map() }
              : null
        if (inner !== null) this.#required(inner, field.node, `${path}.`, offset, strict && field.required)
        continue
      }
      if (!field.required) continue
      if (line === undefined) {
        if (this.#failed.has(path) || this.#failed.has(`${path}[]`)) continue
        if (field.node.kind === 'leaf' || field.node.minItems > 0) {
          report(offset, `必填目标没有行：${path}`, `no line for the required target ${path}`)
        }
      } else if (line.kind === 'leaf' && strict && line.value.mayBeAbsent) {
        report(
          line.value.offset,
          `必填目标可能无值：${path}（请加 default 或 required）`,
          `the required target ${path} may stay absent: say default(…) or required`,
        )
      }
    }
  }

  #forbidden(path: string, own: number, offset: number, report: Report): void {
    if (this.#input.direction !== 'out') return
    const name = forbiddenName(path.replaceAll('[]', ''), own, this.#input.forbidden)
    if (name !== null) report(offset, `不得对外发送 ${name}`, `${name} must never be sent outward`)
  }
}
