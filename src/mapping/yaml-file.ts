import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml'
import type { FaultList, Position } from './faults.ts'

/**
 * One YAML file with the position of everything in it. Every scalar is text (the failsafe schema): `1`, `true` and
 * `2026-11-09` mean what is written. What is wrong with the YAML itself is added to the faults.
 */
export class YamlFile {
  readonly file: string
  readonly text: string
  readonly faults: FaultList
  readonly root: Node | null
  /** The file is no YAML: what else would be said about it is of no use. */
  readonly isBroken: boolean
  readonly #lines = new LineCounter()

  constructor(file: string, text: string, faults: FaultList) {
    this.file = file
    this.text = text
    this.faults = faults
    const document = parseDocument(text, {
      schema: 'failsafe',
      version: '1.2',
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: true,
      stringKeys: true,
    })
    for (const error of document.errors) {
      const doubled = error.code === 'DUPLICATE_KEY'
      this.fault(
        error.pos[0],
        doubled ? this.#lineText(error.pos[0]) : '',
        doubled ? '同一目标写了两次' : 'YAML 语法错误',
        doubled ? 'two lines for one target' : `YAML: ${error.message}`,
      )
    }
    for (const warning of document.warnings) {
      this.fault(warning.pos[0], '', 'YAML 警告', `YAML: ${warning.message}`)
    }
    this.isBroken = document.errors.some((error) => error.code !== 'DUPLICATE_KEY')
    this.root = document.contents
  }

  position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    return { line, column: col }
  }

  fault(offset: number, path: string, zh: string, en: string): void {
    this.faults.add(this.file, this.position(offset), path, zh, en)
  }

  /** The members of a mapping node with their offsets; anything else is a fault. Aliases and anchors are not read. */
  entries(node: unknown, path: string): YamlEntry[] {
    if (!isMap(node)) {
      this.fault(offsetOf(node), path, '此处应为键值对', 'a list of keys and values is expected here')
      return []
    }
    return node.items.map((pair: Pair) => {
      const key = pair.key as Scalar
      return { key: String(key.value), offset: offsetOf(key), value: pair.value as Node | null }
    })
  }

  items(node: unknown, path: string): Node[] {
    if (isSeq(node)) return node.items as Node[]
    this.fault(offsetOf(node), path, '此处应为列表', 'a list is expected here')
    return []
  }

  /**
   * The text of a scalar. `expression`: a comment behind a plain scalar is refused, because it may have cut the value.
   * `null` with a fault when it is no scalar.
   */
  scalar(node: unknown, path: string, expression = false): YamlText | null {
    if (!isScalar(node) || typeof node.value !== 'string') {
      this.fault(offsetOf(node), path, '此处应为一个值', 'a single value is expected here')
      return null
    }
    const offset = offsetOf(node)
    const plain = node.type === 'PLAIN'
    if (expression && plain && this.#commentFollows(node)) {
      this.fault(
        offset,
        path,
        '值后面有注释，可能被“ #”截断：请加引号，或把注释另起一行',
        'a comment follows the value and may have cut it: quote the value, or give the comment a line of its own',
      )
    }
    return { text: node.value, offset: plain ? offset : offset + 1, end: node.range?.[1] ?? offset }
  }

  #commentFollows(node: Scalar): boolean {
    const end = node.range?.[1]
    return end !== undefined && /^[ \t]+#/.test(this.text.slice(end, end + 400))
  }

  #lineText(offset: number): string {
    const start = this.text.lastIndexOf('\n', offset - 1) + 1
    const end = this.text.indexOf('\n', offset)
    return (this.text.slice(start, end === -1 ? undefined : end).match(/^\s*([^:\s]+(?:: |:$)?)/)?.[1] ?? '').replace(
      /:\s*$/,
      '',
    )
  }
}

export interface YamlEntry {
  key: string
  offset: number
  value: Node | null
}

export interface YamlText {
  text: string
  /** Offset of the first character of the text in the file (approximate inside folded scalars). */
  offset: number
  end: number
}

export function offsetOf(node: unknown): number {
  const range = (node as { range?: [number, number, number] | null } | null)?.range
  return range?.[0] ?? 0
}
