import type { YamlFile } from './yaml-file.ts'

/** What belongs to the wire of a profile and not to a message. */
export interface ProfileSettings {
  name: string
  format: 'xml' | 'json'
  encoding: Encoding
  declaration: boolean
  bom: boolean
  emptyValue: string
  /** Limits of what is read. */
  limits: { bytes: number; depth: number }
  forbidden: ForbiddenNames
  text: string
}

export interface Encoding {
  name: 'GB18030' | 'GBK' | 'UTF-8'
  /** Edition of GB18030, null for the others. */
  edition: '2005' | '2022' | null
}

/** Names that must never be written outward: NAME anywhere, or ROW.NAME; `except` are full paths without `[]`. */
export interface ForbiddenNames {
  elements: readonly string[]
  attributes: readonly string[]
  except: ReadonlySet<string>
}

const MEBIBYTE = 1_048_576

/** Reads `profile.yaml`; faults go to the file's list. Null when the profile cannot be used. */
export function readProfile(yaml: YamlFile, expectedName: string): ProfileSettings | null {
  const values = new Map<string, string>()
  const encoding = new Map<string, string>()
  const limits = new Map<string, number>()
  const forbidden = new Map<string, string[]>()
  for (const { key, offset, value } of yaml.entries(yaml.root, '')) {
    if (key === 'encoding') {
      for (const entry of yaml.entries(value, key))
        encoding.set(entry.key, yaml.scalar(entry.value, entry.key)?.text ?? '')
    } else if (key === 'limits') {
      for (const entry of yaml.entries(value, key)) {
        const limit = Number(yaml.scalar(entry.value, entry.key)?.text)
        if (Number.isInteger(limit) && limit > 0 && (entry.key === 'bytes' || entry.key === 'depth'))
          limits.set(entry.key, limit)
        else
          yaml.fault(
            entry.offset,
            `limits.${entry.key}`,
            '应为 bytes 或 depth 的正整数',
            'bytes or depth, a whole number from 1',
          )
      }
    } else if (key === 'forbiddenOutward') {
      for (const entry of yaml.entries(value, key)) {
        if (!['elements', 'attributes', 'except'].includes(entry.key)) {
          yaml.fault(entry.offset, entry.key, '未知的键', `unknown key ${entry.key}`)
        } else
          forbidden.set(
            entry.key,
            yaml.items(entry.value, entry.key).map((item) => yaml.scalar(item, entry.key)?.text ?? ''),
          )
      }
    } else if (['profile', 'format', 'declaration', 'bom', 'emptyValue'].includes(key)) {
      values.set(key, yaml.scalar(value, key)?.text ?? '')
    } else yaml.fault(offset, key, '未知的键', `unknown key ${key}`)
  }
  if (values.get('profile') !== expectedName) {
    yaml.fault(0, 'profile', 'profile 与文件夹名不同', `profile must be ${expectedName}, as the folder is called`)
  }
  const format = values.get('format')
  const checked = readEncoding(yaml, encoding)
  if (format !== 'xml' && format !== 'json') yaml.fault(0, 'format', 'format 应为 xml 或 json', 'format is xml or json')
  if (format === 'json' && checked !== null && checked.name !== 'UTF-8') {
    yaml.fault(0, 'encoding', 'JSON 只能用 UTF-8', 'JSON is UTF-8')
  }
  const bom = values.get('bom') === 'true'
  if (bom && checked?.name !== 'UTF-8') yaml.fault(0, 'bom', '只有 UTF-8 可带 BOM', 'only UTF-8 may have a BOM')
  if ((format !== 'xml' && format !== 'json') || checked === null) return null
  return {
    name: expectedName,
    format,
    encoding: checked,
    declaration: values.get('declaration') !== 'false',
    bom,
    emptyValue: values.get('emptyValue') ?? '',
    limits: { bytes: limits.get('bytes') ?? 64 * MEBIBYTE, depth: limits.get('depth') ?? 16 },
    forbidden: {
      elements: forbidden.get('elements') ?? [],
      attributes: forbidden.get('attributes') ?? [],
      except: new Set(forbidden.get('except')),
    },
    text: yaml.text,
  }
}

function readEncoding(yaml: YamlFile, values: ReadonlyMap<string, string>): Encoding | null {
  const name = values.get('name')
  const edition = values.get('edition') ?? null
  if (name === 'GB18030') {
    if (edition === '2005' || edition === '2022') return { name, edition }
    yaml.fault(0, 'encoding.edition', 'GB18030 须写明版本 2005 或 2022', 'GB18030 needs its edition, 2005 or 2022')
    return null
  }
  if ((name === 'GBK' || name === 'UTF-8') && edition === null) return { name, edition }
  yaml.fault(
    0,
    'encoding',
    '编码应为 GB18030（带版本）、GBK 或 UTF-8',
    'the encoding is GB18030 with an edition, GBK or UTF-8',
  )
  return null
}

/**
 * The forbidden name that a target has, or null. `path` is the full one without `[]`; of it the last `own` names stand
 * in the line itself, so that a forbidden row is told once and not again for each of its fields. Records and lists are
 * elements, leaves attributes.
 */
export function forbiddenName(path: string, own: number, forbidden: ForbiddenNames): string | null {
  if (forbidden.except.has(path)) return null
  const element = path
    .split('.')
    .slice(-own)
    .find((name) => forbidden.elements.includes(name))
  return element ?? forbidden.attributes.find((name) => `.${path}`.endsWith(`.${name}`)) ?? null
}
