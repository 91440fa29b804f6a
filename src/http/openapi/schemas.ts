import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Node = { [key: string]: unknown }

/**
 * The schemas of documents as components of one document: each file is one, each of its `$defs` another (`file.def`),
 * every `$ref` leads to a component, and only what is asked for, directly or not, is in.
 */
export class SchemaComponents {
  readonly #files = new Map<string, Node>()
  readonly #taken = new Map<string, unknown>()

  /** @param folders names are unique over all of them. */
  constructor(folders: readonly string[]) {
    for (const folder of folders) {
      for (const file of readdirSync(folder).sort()) {
        if (!file.endsWith('.schema.json')) continue
        const name = file.slice(0, -'.schema.json'.length)
        if (this.#files.has(name)) throw new Error(`two schemas are called ${name}`)
        this.#files.set(name, JSON.parse(readFileSync(join(folder, file), 'utf8')) as Node)
      }
    }
  }

  /** A reference to the schema of a file. @throws {Error} when there is none. */
  reference(name: string): Node {
    return { $ref: this.#locate(name, `${name}.schema.json`) }
  }

  /** All that was referred to, by name. */
  all(): Node {
    return Object.fromEntries([...this.#taken].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #locate(from: string, ref: string): string {
    const [path = '', fragment = ''] = ref.split('#')
    const file = path === '' ? from : (path.split('/').at(-1) ?? '').replace(/\.schema\.json$/, '')
    const [, defs, def, ...rest] = fragment.split('/')
    if (defs === '$defs' && def !== undefined) {
      this.#take(file, def)
      return ['#/components/schemas', `${file}.${def}`, ...rest].join('/')
    }
    this.#take(file, null)
    return `#/components/schemas/${file}${fragment}`
  }

  #take(file: string, def: string | null): void {
    const name = def === null ? file : `${file}.${def}`
    if (this.#taken.has(name)) return
    const whole = this.#files.get(file)
    const schema = def === null ? whole : (whole?.['$defs'] as Node | undefined)?.[def]
    if (schema === undefined) throw new Error(`there is no schema ${name}`)
    // Before it is read: schemas may refer to themselves.
    this.#taken.set(name, null)
    this.#taken.set(name, this.#read(schema, file))
  }

  #read(node: unknown, file: string): unknown {
    if (Array.isArray(node)) return node.map((one) => this.#read(one, file))
    if (typeof node !== 'object' || node === null) return node
    const read: Node = {}
    for (const [key, value] of Object.entries(node)) {
      if (key === '$id' || key === '$schema' || key === '$defs') continue
      // Keywords of the mappings say nothing to a bank.
      if (key.startsWith('x-')) continue
      read[key] = key === '$ref' && typeof value === 'string' ? this.#locate(file, value) : this.#read(value, file)
    }
    return read
  }
}
