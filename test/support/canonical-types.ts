import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, type JSONSchema } from 'json-schema-to-typescript'

/** The documents whose types the gateway uses, in the order of the file. */
const documents = [
  'application',
  'case',
  'inquiry',
  'events',
  'answer',
  'acknowledgement',
  'step',
  'outcome',
  'contexts',
  'authorization',
  'query-request',
  'query',
  'query-answer',
  'callback',
  'correction',
  'corrected',
  'withdrawal',
  'correction-asked',
  'pause',
  'resumption',
  'fee-notice',
]

// From the sources and from dist alike.
const root = path.join(import.meta.dirname, import.meta.filename.endsWith('.js') ? '../../..' : '../..')
const target = path.join(root, 'src/base/canonical.ts')
const clientTarget = path.join(root, 'clients/typescript/src/application.ts')

/** The text of src/base/canonical.ts as the schemas say it; rules of values (if, contains, …) have no types. */
export function canonicalTypes(): Promise<string> {
  return typesOf(documents)
}

/** Likewise of the example client, which knows the body of an application only. */
export function clientTypes(): Promise<string> {
  return typesOf(['application'])
}

async function typesOf(documents: readonly string[]): Promise<string> {
  const directory = path.join(root, 'schemas/canonical')
  const shared = new Map<string, unknown>()
  const load = (name: string): unknown => {
    const file = path.posix.basename(name)
    if (!shared.has(file)) {
      const schema: unknown = JSON.parse(readFileSync(path.join(directory, file), 'utf8'))
      shared.set(file, schema)
    }
    return shared.get(file)
  }
  const definitions: Record<string, unknown> = {}
  const visit = (node: unknown, file: string): unknown => {
    if (Array.isArray(node)) return node.map((one) => visit(one, file))
    if (typeof node !== 'object' || node === null) return node
    const given = node as Record<string, unknown>
    if (typeof given['$ref'] === 'string') {
      const [other = '', pointer = ''] = given['$ref'].split('#')
      const from = other === '' ? file : other
      const name = pointer.split('/').at(-1) ?? ''
      if (!(name in definitions)) {
        definitions[name] = {}
        const whole = load(from) as { $defs?: Record<string, unknown> }
        definitions[name] = visit(whole.$defs?.[name], from)
      }
      return { $ref: `#/$defs/${name}` }
    }
    const dropped = [
      '$id',
      '$schema',
      '$defs',
      'if',
      'then',
      'else',
      'allOf',
      'anyOf',
      'contains',
      'dependentRequired',
      'pattern',
    ]
    return Object.fromEntries(
      Object.entries(given).flatMap(([key, value]) => (dropped.includes(key) ? [] : [[key, visit(value, file)]])),
    )
  }
  for (const name of documents) {
    const file = `${name}.schema.json`
    const { title } = load(file) as { title: string }
    definitions[title] = visit(load(file), file)
  }
  const schema = { type: 'object', title: 'CanonicalDocuments', $defs: definitions } as JSONSchema
  const text = await compile(schema, 'CanonicalDocuments', {
    additionalProperties: false,
    bannerComment:
      '/* oxlint-disable max-lines */\n/** Generated from schemas/canonical by `npm run types`: do not edit. */',
    declareExternallyReferenced: true,
    ignoreMinAndMaxItems: true,
    strictIndexSignatures: false,
    unreachableDefinitions: true,
    style: { printWidth: 120, semi: false, singleQuote: true, trailingComma: 'all' },
  })
  // What the tool adds about its own references says nothing to a reader.
  return text
    .replaceAll(
      /\n \*\n \* This interface was referenced by `CanonicalDocuments`'s JSON-Schema\n \* via the `definition` "\w+"\./g,
      '',
    )
    .replaceAll(
      /\/\*\*\n \* This interface was referenced by `CanonicalDocuments`'s JSON-Schema\n \* via the `definition` "\w+"\.\n \*\/\n/g,
      '',
    )
    .replaceAll(/\n? +\*\n +\* @(?:min|max)Items \d+(?:\n +\* @(?:min|max)Items \d+)?/g, '')
    .replace('export interface CanonicalDocuments {}\n', '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, await canonicalTypes())
  writeFileSync(clientTarget, await clientTypes())
}
