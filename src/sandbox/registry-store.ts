import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RegistryCase } from './registry-case.ts'
import { type Property, sampleProperties } from './registry-property.ts'

/** A material file that the registry keeps. `name` is FJLX, `fileName` FJMC. */
export interface HeldMaterial {
  businessNumber: string
  name: string
  fileName: string
  sizeBytes: number
  sha256: string
  sm3: string
  /** Relative to the folder of materials. */
  file: string
  receivedAt: string
}

/** One line of `submits.jsonl`: a SUBMIT that was taken, and so had an effect. */
interface TakenSubmit {
  businessNumber: string
  bizMsgId: string
  sha256: string
  slbh: string
  receivedAt: string
}

/** Calls that have or ask for an effect, and those that disclose. */
const LOGGED = ['MATERIAL', 'SUBMIT', 'CORRECT', 'WITHDRAW', 'QUERY'] as const
type LoggedType = (typeof LOGGED)[number]

export function isLogged(type: string): type is LoggedType {
  return LOGGED.some((known) => known === type)
}

/** One line of `calls.jsonl`: such a call, with what was decided. */
export interface DecidedCall {
  type: LoggedType
  bizMsgId: string
  /** RecFlowID; `/` in a QUERY. */
  businessNumber: string
  /** The name of a MATERIAL, the round of a CORRECT, the authorization of a QUERY. */
  about: string
  /** ResponseCode: `0000` was taken. */
  code: string
  at: string
}

/** What the registry has in its folder; a restart finds everything again. */
export interface RegistryStore {
  submits: TakenSubmit[]
  /** In the order in which they came. */
  cases: RegistryCase[]
  /** By business number and file name: a second file of a name replaces the first. */
  materials: Map<string, HeldMaterial>
  /** In the order in which they were decided. */
  calls: DecidedCall[]
  /** The register by certificate number. */
  properties: Map<string, Property>
  noteCall(call: DecidedCall): void
  saveProperty(property: Property): void
  noteSubmit(submit: TakenSubmit): void
  saveCase(filed: RegistryCase): void
  saveMaterial(material: Pick<HeldMaterial, 'businessNumber' | 'name' | 'fileName'>, bytes: Buffer): HeldMaterial
}

/** What cases of an earlier version have not. */
const EARLIER = { corrections: [], rounds: [], withdrawals: [] }

export function openRegistryStore(folder: string): RegistryStore {
  const casesFolder = join(folder, 'cases')
  const materialsFolder = join(folder, 'materials')
  for (const needed of [casesFolder, materialsFolder]) mkdirSync(needed, { recursive: true, mode: 0o700 })
  const submitsFile = join(folder, 'submits.jsonl')
  const callsFile = join(folder, 'calls.jsonl')
  const propertiesFile = join(folder, 'properties.jsonl')
  const materialsFile = join(folder, 'materials.jsonl')

  const keyOf = (material: { businessNumber: string; fileName: string }) =>
    `${material.businessNumber}/${material.fileName}`
  const store: RegistryStore = {
    submits: readLines<TakenSubmit>(submitsFile),
    cases: readdirSync(casesFolder)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => ({
        ...EARLIER,
        ...(JSON.parse(readFileSync(join(casesFolder, name), 'utf8'), revived) as RegistryCase),
      })),
    materials: new Map(readLines<HeldMaterial>(materialsFile).map((material) => [keyOf(material), material])),
    calls: readLines<DecidedCall>(callsFile),
    properties: new Map(
      [...sampleProperties(), ...readLines<Property>(propertiesFile)].map((one) => [one.certificateNumber, one]),
    ),
    noteCall(call) {
      store.calls.push(call)
      appendFileSync(callsFile, `${JSON.stringify(call)}\n`, { mode: 0o600 })
    },
    saveProperty(property) {
      store.properties.set(property.certificateNumber, property)
      appendFileSync(propertiesFile, `${JSON.stringify(property)}\n`, { mode: 0o600 })
    },
    noteSubmit(submit) {
      store.submits.push(submit)
      appendFileSync(submitsFile, `${JSON.stringify(submit)}\n`, { mode: 0o600 })
    },
    saveCase(filed) {
      if (!store.cases.includes(filed)) store.cases.push(filed)
      const file = join(casesFolder, `${filed.slbh}.json`)
      writeFileSync(`${file}.tmp`, JSON.stringify(filed), { mode: 0o600 })
      renameSync(`${file}.tmp`, file)
    },
    saveMaterial(material, bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const held: HeldMaterial = {
        ...material,
        sizeBytes: bytes.length,
        sha256,
        sm3: createHash('sm3').update(bytes).digest('hex'),
        file: `${material.businessNumber}-${sha256.slice(0, 32)}.bin`,
        receivedAt: new Date().toISOString(),
      }
      writeFileSync(join(materialsFolder, held.file), bytes, { mode: 0o600 })
      appendFileSync(materialsFile, `${JSON.stringify(held)}\n`, { mode: 0o600 })
      store.materials.set(keyOf(held), held)
      return held
    },
  }
  return store
}

function readLines<Line>(file: string): Line[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Line)
}

/** Instants are the only texts of this form in a case: the registry's own times have no zone. */
function revived(_key: string, value: unknown): unknown {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) ? new Date(value) : value
}
