import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type MappingFault, MappingFaults } from '../../src/mapping/faults.ts'
import { loadMappings, type MappingSet } from '../../src/mapping/mapping-set.ts'

/*
 * A small world for the mapping language: one XML and one JSON profile, one canonical document, one event document.
 */

const text = (more: object = {}): object => ({ type: 'string', ...more })

const person = {
  type: 'object',
  required: ['role', 'name'],
  properties: {
    role: { enum: ['owner', 'buyer'], type: 'string' },
    name: text({ maxLength: 20 }),
    phone: text(),
    share: text({ 'x-type': 'decimal' }),
    tags: { type: 'array', items: text() },
  },
}

const canonical = {
  type: 'object',
  required: ['number', 'kind', 'parts', 'signedOn'],
  properties: {
    number: text({ maxLength: 18 }),
    kind: { enum: ['ordinary', 'maximum'], type: 'string' },
    amount: text({ 'x-type': 'decimal', 'x-unit': 'yuan' }),
    signedOn: text({ format: 'date' }),
    filedAt: text({ format: 'date-time' }),
    pages: { type: 'integer' },
    urgent: { type: 'boolean' },
    note: text(),
    use: text({ 'x-code': 'USE' }),
    parts: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['id', 'people'],
        properties: { id: text(), people: { type: 'array', items: person } },
      },
    },
  },
}

const contexts = {
  type: 'object',
  properties: {
    case: { type: 'object', required: ['id'], properties: { id: text() } },
    message: { type: 'object', required: ['id'], properties: { id: text(), at: text({ format: 'date-time' }) } },
    operator: { type: 'object', properties: { name: text() } },
    site: { type: 'object', required: ['area'], properties: { area: text() } },
  },
}

const wire = {
  type: 'object',
  'x-xml': { root: 'Message' },
  required: ['Head', 'Data'],
  properties: {
    Head: {
      type: 'object',
      'x-xml': { as: 'elements', empty: true },
      required: ['Id'],
      properties: {
        Id: text({ maxLength: 18 }),
        Kind: text({ 'x-code': 'KIND' }),
        Use: text({ 'x-code': 'USE' }),
        Amount: text({ 'x-type': 'decimal', 'x-unit': 'wan' }),
        Date: text({ 'x-type': 'date', 'x-pattern': "yyyy-MM-dd'T'00:00:00" }),
        Time: text({ 'x-type': 'instant' }),
        Pages: text({ 'x-type': 'integer' }),
        Urgent: text({ 'x-code': 'YES' }),
        Note: text({ maxLength: 4 }),
        Bytes: text({ 'x-bytes': 5 }),
      },
    },
    Data: {
      type: 'object',
      'x-xml': { as: 'rows' },
      properties: {
        ROW: {
          type: 'array',
          maxItems: 6,
          items: {
            type: 'object',
            required: ['NAME'],
            properties: { NAME: text(), NO: text(), PART: text(), TEL: text() },
          },
        },
        SECRET: { type: 'array', items: { type: 'object', properties: { X: text() } } },
        OTHER: { type: 'array', items: { type: 'object', properties: { STATE: text(), Y: text() } } },
      },
    },
  },
}

const answer = {
  type: 'object',
  'x-xml': { root: 'respond' },
  required: ['Id'],
  properties: {
    Id: text(),
    Flag: text({ 'x-code': 'KIND' }),
    Data: {
      type: 'object',
      'x-xml': { as: 'rows' },
      properties: {
        LINK: {
          type: 'array',
          items: { type: 'object', properties: { KEY: text(), PART: text({ 'x-type': 'integer' }) } },
        },
        FACT: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              KEY: text(),
              AT: text({ 'x-type': 'instant', 'x-pattern': "yyyy-MM-dd'T'HH:mm:ss" }),
              AMOUNT: text({ 'x-type': 'decimal', 'x-unit': 'wan' }),
              NAMES: text(),
              KIND: text({ 'x-code': 'KIND' }),
            },
          },
        },
      },
    },
  },
}

const events = {
  type: 'object',
  required: ['events'],
  properties: {
    events: {
      type: 'array',
      items: {
        type: 'object',
        required: ['fact'],
        properties: {
          fact: { enum: ['made', 'seen'], type: 'string' },
          part: { type: 'integer' },
          at: text({ format: 'date-time' }),
          amount: text({ 'x-type': 'decimal', 'x-unit': 'yuan' }),
          kind: { enum: ['ordinary', 'maximum'], type: 'string' },
          names: { type: 'array', items: text() },
          certificate: { type: 'object', required: ['number'], properties: { number: text(), holder: text() } },
        },
      },
    },
  },
}

const jsonWire = {
  type: 'object',
  required: ['Case'],
  properties: {
    Case: {
      type: 'object',
      required: ['id', 'Forms', 'Empty'],
      properties: {
        id: text(),
        sn: text({ 'x-empty': true }),
        pages: { type: 'integer' },
        Unit: { type: 'object', required: ['Name'], properties: { Name: text(), Tel: text() } },
        Empty: { type: 'array', items: text() },
        Forms: {
          type: 'array',
          'x-items': {
            T_MAIN: {
              alias: '主表',
              properties: { KIND: text({ 'x-alias': '种类' }), NOTE: text({ 'x-alias': '备注' }) },
            },
            T_WHO: {
              alias: '人员',
              repeat: true,
              required: ['XM'],
              properties: { XM: text({ 'x-alias': '姓名' }), DH: text() },
            },
          },
        },
      },
    },
  },
}

const table = (name: string, unknown: string, rows: string): string =>
  `table: ${name}\ntitle: ${name}\nunknown: ${unknown}\nvalues:\n${rows}`

const defaults: Record<string, string> = {
  'mappings/x/profile.yaml':
    'profile: x\nformat: xml\nencoding: { name: UTF-8 }\nemptyValue: /\nlimits: { bytes: 100000, depth: 8 }\n' +
    'forbiddenOutward:\n  elements: [SECRET]\n  attributes: [STATE, ROW.TEL]\n  except: [Data.OTHER.STATE]\n',
  'mappings/x/codes/KIND.yaml': table(
    'KIND',
    'refuse',
    "  - { word: ordinary, code: '1', name: 一般 }\n  - { word: maximum, code: '2', name: 最高额 }\n  - { code: '9', name: 其他 }\n",
  ),
  'mappings/x/codes/YES.yaml': table(
    'YES',
    'refuse',
    "  - { word: true, code: '1', name: 是 }\n  - { word: false, code: '0', name: 否 }\n",
  ),
  'mappings/x/codes/USE.yaml': `words: codes\n${table('USE', 'keep', "  - { code: '11', name: 住宅 }\n")}`,
  'schemas/canonical/case.schema.json': JSON.stringify(canonical),
  'schemas/canonical/contexts.schema.json': JSON.stringify(contexts),
  'schemas/canonical/events.schema.json': JSON.stringify(events),
  'schemas/x/wire.schema.json': JSON.stringify(wire),
  'schemas/x/answer.schema.json': JSON.stringify(answer),
  'mappings/j/profile.yaml': "profile: j\nformat: json\nencoding: { name: UTF-8 }\nemptyValue: ''\n",
  'mappings/j/codes/KIND.yaml': table(
    'KIND',
    'refuse',
    '  - { word: ordinary, code: 一般, name: 一般 }\n  - { word: maximum, code: 最高, name: 最高 }\n',
  ),
  'mappings/j/codes/USE.yaml': table('USE', 'refuse', "  - { code: '11', name: 住宅 }\n"),
  'schemas/j/wire.schema.json': JSON.stringify(jsonWire),
}

/** Everything of the canonical document that a mapping under test does not use. */
export const ignoreAll =
  'ignore:\n' +
  Object.keys(canonical.properties)
    .map((name) => `  ${name}: not needed\n`)
    .join('')

/** Loads the small world with the given files; a file of null is left out. */
export function loadBench(files: Record<string, string | null>): MappingSet {
  const folder = mkdtempSync(path.join(tmpdir(), 'mapping-bench-'))
  try {
    for (const name of ['mappings', 'schemas']) mkdirSync(path.join(folder, name))
    for (const [file, content] of Object.entries({ ...defaults, ...files })) {
      if (content === null) continue
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(path.join(folder, file), content)
    }
    return loadMappings({ mappingsDir: path.join(folder, 'mappings'), schemasDir: path.join(folder, 'schemas') })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The faults of such a world; none when it loads. */
export function faultsOf(files: Record<string, string | null>): readonly MappingFault[] {
  try {
    loadBench(files)
    return []
  } catch (cause) {
    if (cause instanceof MappingFaults) return cause.faults
    throw cause
  }
}

/** An outward XML mapping with the given lines under `set`. */
export function outFile(set: string, rest = ''): string {
  return `mapping: x/try\nversion: 1\nfrom: canonical/case\nto: x/wire\nset:\n${indent(set)}${rest}`
}

/** An inward XML mapping with the given lines under `set`. */
export function inFile(set: string, rest = ''): string {
  return `mapping: x/try\nversion: 1\nfrom: x/answer\nto: canonical/events\nset:\n${indent(set)}${rest}`
}

function indent(lines: string): string {
  return `${lines
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')}\n`
}
