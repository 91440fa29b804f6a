import type { CodeTable } from './code-table.ts'
import { Code, conditionCode, literal, pathCode, writeChoice } from './compile-value.ts'
import type { BlockPlan, ChoicePlan, FieldPlan, LeafPlan, ListPlan, Plan, RecordPlan } from './plan.ts'
import type { ProfileSettings } from './profile.ts'
import { type Run, runtime } from './run.ts'
import type { Field, LeafNode, ListNode, RecordNode } from './schema.ts'
import { formSink, jsonSink, type LeafForm, objectSink, type Sink, xmlSink } from './sinks.ts'

/** A mapping as a function. What it could not do is in the run's places; the result counts only if there are none. */
export type CompiledMapping = (source: unknown, contexts: unknown, run: Run) => unknown

/**
 * Writes the plan as straight-line JavaScript: loops over rows, one statement after another per target, nothing
 * interpreted when it runs. Outward the result is the text of the message, inward an object.
 */
export function compileMapping(
  plan: Plan,
  profile: ProfileSettings,
  tables: ReadonlyMap<string, CodeTable>,
): CompiledMapping {
  const { direction } = plan
  const sink =
    direction === 'in'
      ? objectSink()
      : profile.format === 'xml'
        ? xmlSink(profile.emptyValue)
        : jsonSink(profile.emptyValue)
  const compiler = new Compiler(new Code(direction), sink, tables)
  const body = compiler.document(plan.root)
  const result =
    direction === 'in' ? 'r0' : profile.format === 'xml' ? xmlDocument(plan, profile) : '"{" + r0.slice(1) + "}"'
  const source = `"use strict"
return function mapping(s, c, R) {
const N = R.notes
${body}
return ${result}
}`
  // The source is made of checked plans only; every text from a file passes through `literal`.
  // oxlint-disable-next-line typescript/no-implied-eval
  const factory = new Function('K', 'H', source) as (
    constants: readonly unknown[],
    helpers: typeof runtime,
  ) => CompiledMapping
  return factory(compiler.code.constants, runtime)
}

function xmlDocument(plan: Plan, profile: ProfileSettings): string {
  const root = plan.to.rootElement ?? ''
  const declaration = profile.declaration ? `<?xml version="1.0" encoding="${profile.encoding.name}"?>` : ''
  return `${literal(`${declaration}<${root}>`)} + r0 + ${literal(`</${root}>`)}`
}

/** Where lines write to. `path` is the code of the target's path with its row numbers. */
interface Place {
  into: string
  path: string
  form: LeafForm
  /** The record is certainly written; otherwise its missing fields count only once `written` is true. */
  strict: boolean
  written: string
  missing: string
  /** The record is a free-form form, whose leaves are rows of field, alias and value. */
  isForm: boolean
}

class Compiler {
  readonly code: Code
  readonly #sink: Sink
  readonly #tables: ReadonlyMap<string, CodeTable>

  constructor(code: Code, sink: Sink, tables: ReadonlyMap<string, CodeTable>) {
    this.code = code
    this.#sink = sink
    this.#tables = tables
  }

  document(plan: RecordPlan): string {
    this.code.add(this.#sink.open('r0'), 'let w0 = true', 'const q0 = []')
    const place: Place = {
      into: 'r0',
      path: '""',
      form: 'element',
      strict: true,
      written: 'w0',
      missing: 'q0',
      isForm: false,
    }
    this.#record(plan.node, plan, place)
    return this.code.lines.join('\n')
  }

  /** In the order of the schema, with or without lines: what has none may still be written as empty. */
  #record(node: RecordNode, plan: RecordPlan | undefined, place: Place): void {
    for (const [name, field] of node.fields) {
      const path = pathOf(place.path, name)
      const line = plan?.fields.get(name)
      if (field.node.kind === 'leaf')
        this.#leaf(name, field.node, field.required, line as LeafPlan | undefined, { ...place, path })
      else if (field.node.kind === 'list') {
        const form: LeafForm = node.as === 'rows' ? 'attribute' : 'element'
        this.#list(name, field.node, field.required, line as ListPlan | undefined, { ...place, path, form })
      } else if (field.node.forms !== null)
        this.#forms(name, field.node, field.required, line as RecordPlan | undefined, { ...place, path })
      else this.#inner(name, field, field.node, line, { ...place, path })
    }
  }

  #inner(name: string, field: Field, node: RecordNode, line: FieldPlan | undefined, place: Place): void {
    if (line === undefined && !(field.required && place.strict)) return
    const strict = field.required && place.strict
    const inner = this.#open(place.path, 'element', strict, false)
    this.#record(node, line as RecordPlan | undefined, inner)
    const write = `${this.#sink.record(place.into, name, inner.into)}; ${place.written} = true`
    if (strict) this.code.add(write)
    else {
      this.code.add(`if (${inner.written}) { ${write}; ${this.#reportMissing(inner, place)} }`)
      if (field.required) this.code.add(`else ${this.#missing(place, '')}`)
    }
  }

  #open(path: string, form: LeafForm, strict: boolean, isForm: boolean): Place {
    const into = this.code.name('r')
    const written = this.code.name('w')
    const missing = this.code.name('q')
    this.code.add(this.#sink.open(into), `let ${written} = false`, `const ${missing} = []`)
    return { into, path, form, strict, written, missing, isForm }
  }

  /** Missing fields of a record that turned out to be written; they wait on if the outer record is not certain yet. */
  #reportMissing(inner: Place, outer: Place): string {
    return outer.strict
      ? `for (const [path, text] of ${inner.missing}) R.missing(path, text)`
      : `${outer.missing}.push(...${inner.missing})`
  }

  #missing(place: Place, text: string): string {
    return place.strict
      ? `R.missing(${place.path}, ${literal(text)})`
      : `${place.missing}.push([${place.path}, ${literal(text)}])`
  }

  #leaf(name: string, node: LeafNode, required: boolean, line: LeafPlan | undefined, place: Place): void {
    const empty = required ? null : this.#sink.emptyLeaf(place.into, name, node, place.form)
    if (line === undefined) {
      if (empty !== null && !place.isForm) this.code.add(empty)
      else if (required && !place.strict) this.code.add(this.#missing(place, ''))
      return
    }
    const value = this.code.name('v')
    this.code.add(`let ${value}`)
    writeChoice(this.code, line.value, value)
    this.#checked(value, node, line.value, place.form)
    const write = place.isForm
      ? formSink.item(place.into, name, node, value)
      : this.#sink.leaf(place.into, name, value, place.form)
    this.code.add(
      `if (N.length > 0) R.at(${place.path}, ${literal(line.value.text)})`,
      `else if (${value} !== undefined) { ${write}; ${place.written} = true }`,
    )
    if (empty !== null && !place.isForm) this.code.add(`else ${empty}`)
    else if (required) this.code.add(`else ${this.#missing(place, line.value.text)}`)
  }

  /** Lines that bring a value that is there into the form of its field, and note what the field does not take. */
  #checked(value: string, node: LeafNode, choice: ChoicePlan, form: LeafForm): void {
    const checks: string[] = []
    const convert = node.type === 'boolean' ? 'asBoolean' : node.json === 'number' ? 'asInteger' : 'asText'
    const textual = convert === 'asText'
    checks.push(`${value} = H.${convert}(${value}, R)`)
    if (node.type === 'decimal') checks.push(`${value} = H.asDecimal(${value}, R)`)
    const table = node.table === null ? undefined : this.#tables.get(node.table)
    if (
      table !== undefined &&
      choice.options.some((option) => option.value.steps.every((step) => step.name !== 'code'))
    ) {
      checks.push(`${value} = H.inTable(${value}, ${this.code.constant(table.codes)}, R)`)
    }
    if (textual && (node.maxLength !== null || node.maxBytes !== null)) {
      checks.push(`${value} = H.limit(${value}, ${node.maxLength}, ${node.maxBytes}, R)`)
    }
    const last = this.#sink.convert(value, node, form)
    if (last !== '') checks.push(last)
    for (const check of checks) this.code.add(`if (${value} !== undefined) ${check}`)
  }

  #list(name: string, node: ListNode, required: boolean, line: ListPlan | undefined, place: Place): void {
    const { code } = this
    const empty = this.#sink.emptyList(place.into, name, node, required)
    if (line === undefined) {
      if (empty !== null) code.add(empty)
      return
    }
    const list = code.name('l')
    const count = code.name('n')
    const text = line.content.kind === 'values' ? line.content.value.text : ''
    code.add(this.#sink.openList(list), `let ${count} = 0`)
    if (line.content.kind === 'values') this.#values(name, line.content.value, node, { list, count, place })
    else {
      for (const block of line.content.blocks) {
        this.#block(block, place.path, (record) => {
          const row = this.#open(`${place.path} + "[" + ${count} + "]"`, place.form, true, false)
          this.#record(record.node, record, row)
          code.add(this.#sink.row(list, name, row.into, place.form), `${count} += 1`)
        })
      }
    }
    if (node.maxItems !== null) code.add(`if (${count} > ${node.maxItems}) R.tooMany(${place.path}, ${literal(text)})`)
    if (node.minItems > 0)
      code.add(
        `if (${count} < ${node.minItems} && ${required || `${count} > 0`}) R.missing(${place.path}, ${literal(text)})`,
      )
    code.add(`if (${count} > 0) { ${this.#sink.closeList(place.into, name, list)}; ${place.written} = true }`)
    if (empty !== null) code.add(`else ${empty}`)
  }

  #values(name: string, choice: ChoicePlan, node: ListNode, at: { list: string; count: string; place: Place }): void {
    const { code } = this
    const values = code.name('v')
    const member = code.name('v')
    code.add(`let ${values}`)
    writeChoice(code, choice, values)
    code.add(`if (N.length > 0) R.at(${at.place.path}, ${literal(choice.text)})`)
    code.add(`else for (let ${member} of ${values} ?? []) {`)
    this.#checked(member, node.item as LeafNode, choice, 'element')
    code.add(
      `if (N.length > 0) R.at(${at.place.path} + "[" + ${at.count} + "]", ${literal(choice.text)})`,
      `else if (${member} !== undefined) { ${this.#sink.member(at.list, name, member)}; ${at.count} += 1 }`,
      '}',
    )
  }

  #block(block: BlockPlan, path: string, row: (record: RecordPlan) => void): void {
    const { code } = this
    const number = `i${block.id}`
    if (block.each === null) code.add(`for (let ${number} = 0; ${number} < 1;) {`)
    else {
      const members = code.name('l')
      code.add(
        `const ${members} = ${pathCode(code, block.each)}`,
        `if (N.length > 0) R.at(${path}, "each")`,
        `let ${number} = 0`,
      )
      code.add(`for (const b${block.id} of ${members}) {`)
    }
    if (block.where !== null)
      code.add(`if (!${conditionCode(code, block.where)}) ${block.each === null ? 'break' : 'continue'}`)
    code.add(`${number} += 1`)
    if (block.content.kind === 'set') row(block.content.record)
    else for (const inner of block.content.blocks) this.#block(inner, path, row)
    code.add('}')
  }

  /** Forms in schema order, numbered f1, f2, …; a form without an item is not written unless it is a row of a block. */
  #forms(name: string, node: RecordNode, required: boolean, plan: RecordPlan | undefined, place: Place): void {
    const { code } = this
    const list = code.name('l')
    const counter = code.name('n')
    code.add(this.#sink.openList(list), `let ${counter} = 0`)
    for (const [formName, field] of node.fields) {
      const line = plan?.fields.get(formName)
      const path = pathOf(place.path, formName)
      const form = (items: string): string =>
        formSink.form(list, counter, formName, node.forms?.get(formName) ?? formName, items)
      if (line?.kind === 'record') {
        const inner = this.#open(path, 'element', false, true)
        this.#record(line.node, line, inner)
        code.add(`if (${inner.written}) { ${form(inner.into)}; ${this.#reportMissing(inner, place)} }`)
      } else if (line?.kind === 'list' && line.content.kind === 'blocks') {
        const count = code.name('n')
        code.add(`let ${count} = 0`)
        for (const block of line.content.blocks) {
          this.#block(block, path, (record) => {
            const row = this.#open(`${path} + "[" + ${count} + "]"`, 'element', true, true)
            this.#record(record.node, record, row)
            code.add(form(row.into), `${count} += 1`)
          })
        }
      } else if (field.required) code.add(this.#missing({ ...place, path }, ''))
    }
    const empty = required ? this.#sink.closeList(place.into, name, list) : ''
    code.add(
      `if (${counter} > 0) { ${this.#sink.closeList(place.into, name, list)}; ${place.written} = true } else { ${empty} }`,
    )
  }
}

function pathOf(path: string, name: string): string {
  return path === '""' ? literal(name) : `${path} + ${literal(`.${name}`)}`
}
