import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { checkMapping } from './check.ts'
import { type CodeTable, readCodeTable } from './code-table.ts'
import { FaultList, MappingFaults } from './faults.ts'
import { type MappingFile, readMappingFile } from './mapping-file.ts'
import type { Plan } from './plan.ts'
import { type ProfileSettings, readProfile } from './profile.ts'
import { type MessageSchema, SchemaFiles, type SchemaNode } from './schema.ts'
import type { Direction } from './step.ts'
import { YamlFile } from './yaml-file.ts'

/** One profile with everything in its folder, checked. */
export interface LoadedProfile {
  settings: ProfileSettings
  tables: ReadonlyMap<string, CodeTable>
  mappings: readonly LoadedMapping[]
}

export interface LoadedMapping {
  plan: Plan
  /** Every text that the mapping was made of, for its version. */
  texts: readonly string[]
}

const CONTEXTS = 'canonical/contexts'

/**
 * Reads and checks all profiles below `mappingsDir`.
 * @throws {MappingFaults} with every fault of every file.
 */
export function loadProfiles(mappingsDir: string, schemasDir: string): LoadedProfile[] {
  const faults = new FaultList()
  const loader = new Loader(mappingsDir, new SchemaFiles(schemasDir, faults), faults)
  const folders = readdirSync(mappingsDir, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const profiles = folders.flatMap((entry) => loader.profile(entry.name) ?? [])
  if (faults.faults.length > 0) throw new MappingFaults(faults.faults)
  return profiles
}

class Loader {
  readonly #dir: string
  readonly #schemas: SchemaFiles
  readonly #faults: FaultList

  constructor(dir: string, schemas: SchemaFiles, faults: FaultList) {
    this.#dir = dir
    this.#schemas = schemas
    this.#faults = faults
  }

  profile(name: string): LoadedProfile | null {
    const names = readdirSync(path.join(this.#dir, name)).sort()
    if (!names.includes('profile.yaml')) {
      this.#faults.add(
        `${name}/profile.yaml`,
        { line: 1, column: 1 },
        name,
        '缺少 profile.yaml',
        'profile.yaml is missing',
      )
      return null
    }
    const settings = readProfile(this.#yaml(`${name}/profile.yaml`), name)
    if (settings === null) return null
    const tables = this.#tables(name)
    const mappings = names.flatMap((file) => {
      const match = /^(.+)\.(out|in)\.yaml$/.exec(file)
      if (match === null) {
        if (file.endsWith('.yaml') && file !== 'profile.yaml') {
          this.#faults.add(
            `${name}/${file}`,
            { line: 1, column: 1 },
            file,
            '文件名应为 报文.out.yaml 或 报文.in.yaml',
            'a mapping is called MESSAGE.out.yaml or MESSAGE.in.yaml',
          )
        }
        return []
      }
      return this.#mapping(`${name}/${file}`, `${name}/${match[1]}`, match[2] as Direction, settings, tables) ?? []
    })
    return { settings, tables, mappings }
  }

  #yaml(file: string): YamlFile {
    return new YamlFile(file, readFileSync(path.join(this.#dir, file), 'utf8'), this.#faults)
  }

  #tables(profile: string): Map<string, CodeTable> {
    const tables = new Map<string, CodeTable>()
    let names: string[] = []
    try {
      names = readdirSync(path.join(this.#dir, profile, 'codes')).filter((file) => file.endsWith('.yaml'))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    }
    for (const file of names.sort()) {
      const name = file.slice(0, -'.yaml'.length)
      const table = readCodeTable(this.#yaml(`${profile}/codes/${file}`), name)
      if (table !== null) tables.set(name, table)
    }
    return tables
  }

  #mapping(
    fileName: string,
    name: string,
    direction: Direction,
    settings: ProfileSettings,
    tables: ReadonlyMap<string, CodeTable>,
  ): LoadedMapping | null {
    const yaml = this.#yaml(fileName)
    if (yaml.isBroken) return null
    const file = readMappingFile(yaml)
    if (file.heads.has('mapping') && file.name !== name) {
      file.yaml.fault(file.heads.get('mapping') ?? 0, 'mapping', `应为 ${name}`, `the file is called ${name}`)
    }
    const from = this.#schema(file, 'from', direction === 'in' ? settings.name : 'canonical')
    const to = this.#schema(file, 'to', direction === 'out' ? settings.name : 'canonical')
    const contexts = this.#schemas.load(CONTEXTS)
    if (contexts === null) file.yaml.fault(0, CONTEXTS, `缺少模式 ${CONTEXTS}`, `the schema ${CONTEXTS} is missing`)
    if (from === null || to === null || contexts === null) return null
    const wire = direction === 'out' ? to : from
    this.#wireSchema(file, wire, settings, tables)
    const plan = checkMapping({
      file,
      direction,
      from,
      to,
      contexts: contexts.root,
      tables,
      forbidden: settings.forbidden,
    })
    const used = [...plan.usedTables].sort().map((one) => tables.get(one)?.text ?? '')
    return { plan, texts: [file.yaml.text, settings.text, ...from.texts, ...to.texts, ...contexts.texts, ...used] }
  }

  #schema(file: MappingFile, key: 'from' | 'to', side: string): MessageSchema | null {
    const offset = file.heads.get(key)
    if (offset === undefined) return null
    const name = file[key]
    if (!name.startsWith(`${side}/`)) {
      file.yaml.fault(offset, key, `此方向的 ${key} 应为 ${side}/…`, `${key} must be ${side}/… in this direction`)
      return null
    }
    const schema = this.#schemas.load(name)
    if (schema === null) file.yaml.fault(offset, key, `没有模式 ${name}`, `there is no schema ${name}`)
    return schema
  }

  /** What only the profile can say about a message schema. */
  #wireSchema(
    file: MappingFile,
    schema: MessageSchema,
    settings: ProfileSettings,
    tables: ReadonlyMap<string, CodeTable>,
  ): void {
    const offset = file.heads.get(schema.name === file.to ? 'to' : 'from') ?? 0
    if (settings.format === 'xml') {
      if (schema.rootElement === null)
        file.yaml.fault(offset, schema.name, '模式缺少 x-xml.root', 'the schema has no x-xml root')
      if (hasForms(schema.root))
        file.yaml.fault(offset, schema.name, 'x-items 只用于 JSON', 'x-items is for JSON profiles')
    }
    for (const [where, table] of tablesOf(schema.root, '')) {
      if (!tables.has(table))
        file.yaml.fault(
          offset,
          where,
          `没有代码表 ${table}`,
          `${schema.name} names the code table ${table}, which is not there`,
        )
    }
  }
}

function hasForms(node: SchemaNode): boolean {
  if (node.kind === 'leaf') return false
  if (node.kind === 'list') return hasForms(node.item)
  return node.forms !== null || [...node.fields.values()].some((field) => hasForms(field.node))
}

function tablesOf(node: SchemaNode, at: string): [string, string][] {
  if (node.kind === 'leaf') return node.table === null ? [] : [[at, node.table]]
  if (node.kind === 'list') return tablesOf(node.item, `${at}[]`)
  return [...node.fields].flatMap(([name, field]) => tablesOf(field.node, at === '' ? name : `${at}.${name}`))
}
