import type { DatePattern } from './calendar.ts'
import type { CodeTable } from './code-table.ts'
import type { LeafNode, ListNode, MessageSchema, RecordNode } from './schema.ts'
import type { Direction, Step } from './step.ts'
import type { ValueType } from './value-type.ts'

/** A checked mapping: every name resolved, every type known. What the compiler writes code from. */
export interface Plan {
  name: string
  version: string
  direction: Direction
  from: MessageSchema
  to: MessageSchema
  root: RecordPlan
  /** Code tables that it uses, by name. */
  usedTables: ReadonlySet<string>
}

export interface RecordPlan {
  kind: 'record'
  node: RecordNode
  /** Only fields with lines; the order on the wire is that of `node.fields`. */
  fields: Map<string, FieldPlan>
}

export type FieldPlan = LeafPlan | RecordPlan | ListPlan

export interface LeafPlan {
  kind: 'leaf'
  node: LeafNode
  value: ChoicePlan
}

export interface ListPlan {
  kind: 'list'
  node: ListNode
  content: { kind: 'blocks'; blocks: readonly BlockPlan[] } | { kind: 'values'; value: ChoicePlan }
}

export interface BlockPlan {
  /** Number of the block in its mapping, naming its variables. */
  id: number
  each: PathPlan | null
  where: ConditionPlan | null
  content: { kind: 'set'; record: RecordPlan } | { kind: 'rows'; blocks: readonly BlockPlan[] }
}

/** The first option that holds counts. `text` is what the line takes its value from, for messages. */
export interface ChoicePlan {
  options: readonly { when: ConditionPlan | null; value: ValuePlan }[]
  mayBeAbsent: boolean
  text: string
  offset: number
}

export interface ValuePlan {
  source: SourcePlan
  steps: readonly StepPlan[]
  type: ValueType
}

export type SourcePlan =
  | { kind: 'literal'; text: string }
  | { kind: 'row'; block: number }
  | { kind: 'path'; path: PathPlan }

export interface StepPlan {
  name: string
  step: Step
  args: readonly ArgumentPlan[]
  /** Type of what the step is given. */
  input: ValueType
}

export type ArgumentPlan =
  | { kind: 'integer'; value: number | null }
  | { kind: 'text'; value: string | null }
  | { kind: 'table'; table: CodeTable }
  | { kind: 'pattern'; pattern: DatePattern }
  | { kind: 'value'; value: ValuePlan }

export interface PathPlan {
  start: { kind: 'source' | 'contexts' } | { kind: 'block'; id: number }
  parts: readonly PathPartPlan[]
  type: ValueType
}

export type PathPartPlan =
  | { kind: 'name'; name: string }
  | { kind: 'pick'; index: number }
  | { kind: 'all' }
  | {
      kind: 'filter'
      field: readonly string[]
      negated: boolean
      equals: LiteralPlan | { kind: 'path'; path: PathPlan }
    }

/** A literal in the form that the compared value has when the program runs. */
export interface LiteralPlan {
  kind: 'literal'
  value: string | number | boolean
}

export type ConditionPlan =
  | { kind: 'and' | 'or'; parts: readonly ConditionPlan[] }
  | { kind: 'not'; of: ConditionPlan }
  | { kind: 'compare'; path: PathPlan; negated: boolean; literals: readonly LiteralPlan[] }
  | { kind: 'present'; path: PathPlan }
