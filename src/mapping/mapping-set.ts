import { createHash } from 'node:crypto'
import type { Json } from '../base/json.ts'
import type { CodeTable } from './code-table.ts'
import { type CompiledMapping, compileMapping } from './compile.ts'
import { MappingError, mappingPlace } from './faults.ts'
import { UnencodableError } from './gb18030.ts'
import { type LoadedMapping, type LoadedProfile, loadProfiles } from './load.ts'
import type { ProfileSettings } from './profile.ts'
import { readJson } from './read-json.ts'
import { MessageUnreadable, readXml } from './read-xml.ts'
import { Run } from './run.ts'
import { rawDocument, type Shaped, Shaper } from './shape.ts'
import { textEncoding } from './text-encoding.ts'

/** All mappings of a gateway, checked and compiled. Immutable: a change of a file is a new set. */
export interface MappingSet {
  /** @throws {Error} for a name that is not there. */
  outward: (name: string) => OutwardMapping
  /** @throws {Error} for a name that is not there. */
  inward: (name: string) => InwardMapping
  /** @throws {Error} for a name that is not there. */
  profile: (name: string) => Profile
  /** `profile/message` with direction and version, for `config` and the trace. */
  names: () => readonly { name: string; direction: 'out' | 'in'; version: string }[]
}

export interface OutwardMapping {
  name: string
  /** The file's version and a digest of everything that the mapping is made of. */
  version: string
  /** `Content-Type` of the bytes. */
  contentType: string
  /** @throws {MappingError} with all places of a document that cannot be written. */
  render: (source: Json, contexts: Contexts) => Buffer
}

interface InwardMapping {
  name: string
  version: string
  /** @throws {MappingError} with all places of a message that cannot be read. */
  read: (bytes: Uint8Array, contexts: Contexts) => Json
}

/** Values of the fixed contexts, as `schemas/canonical/contexts.schema.json` has them. */
export type Contexts = { readonly [name in 'case' | 'message' | 'operator' | 'account' | 'site']?: unknown }

interface Profile {
  name: string
  contentType: string
  settings: ProfileSettings
  tables: ReadonlyMap<string, CodeTable>
  /**
   * The document as it is, without a schema: of XML the content of the root element, texts as texts, elements with
   * attributes as lists of rows. @throws {MappingError} for bytes that are no document of the profile.
   */
  parse: (bytes: Uint8Array) => Json
}

/**
 * Loads, checks and compiles every mapping.
 * @throws {MappingFaults} with every fault of every file.
 */
export function loadMappings(dirs: { mappingsDir: string; schemasDir: string }): MappingSet {
  const outward = new Map<string, OutwardMapping>()
  const inward = new Map<string, InwardMapping>()
  const profiles = new Map<string, Profile>()
  for (const loaded of loadProfiles(dirs.mappingsDir, dirs.schemasDir)) {
    profiles.set(loaded.settings.name, buildProfile(loaded))
    for (const mapping of loaded.mappings) {
      if (mapping.plan.direction === 'out') outward.set(mapping.plan.name, buildOutward(mapping, loaded))
      else inward.set(mapping.plan.name, buildInward(mapping, loaded))
    }
  }
  return {
    outward: (name) => named(outward, name, 'outward mapping'),
    inward: (name) => named(inward, name, 'inward mapping'),
    profile: (name) => named(profiles, name, 'profile'),
    names: () => [
      ...[...outward.values()].map(({ name, version }) => ({ name, direction: 'out' as const, version })),
      ...[...inward.values()].map(({ name, version }) => ({ name, direction: 'in' as const, version })),
    ],
  }
}

function named<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = map.get(name)
  if (found === undefined) throw new Error(`there is no ${what} ${name}`)
  return found
}

function buildProfile({ settings, tables }: LoadedProfile): Profile {
  const parse = (bytes: Uint8Array): Json => {
    try {
      return settings.format === 'json'
        ? readJson(bytes, settings.limits)
        : rawDocument(readXml(bytes, settings.encoding, settings.limits))
    } catch (cause) {
      throw unreadable(settings.name, cause)
    }
  }
  return { name: settings.name, contentType: contentType(settings), settings, tables, parse }
}

function buildOutward({ plan, texts }: LoadedMapping, { settings, tables }: LoadedProfile): OutwardMapping {
  const compiled = compileMapping(plan, settings, tables)
  const { encode } = textEncoding(settings.encoding)
  const mark = settings.bom ? '\ufeff' : ''
  const render = (source: Json, contexts: Contexts): Buffer => {
    const text = runMapping(plan.name, compiled, source, contexts, new Run(byteLength(encode))) as string
    try {
      return encode(mark + text)
    } catch (cause) {
      if (!(cause instanceof UnencodableError)) throw cause
      // Some field holds a character that the encoding lacks: run again to find all of them.
      runMapping(plan.name, compiled, source, contexts, new Run(byteLength(encode), encode))
      throw new MappingError(plan.name, [mappingPlace('', 'not-encodable')])
    }
  }
  return { name: plan.name, version: versionOf(plan.version, texts), contentType: contentType(settings), render }
}

function buildInward({ plan, texts }: LoadedMapping, { settings, tables }: LoadedProfile): InwardMapping {
  const compiled = compileMapping(plan, settings, tables)
  const { encode } = textEncoding(settings.encoding)
  const read = (bytes: Uint8Array, contexts: Contexts): Json => {
    const shaper = new Shaper(settings.emptyValue)
    let source: Shaped
    try {
      if (settings.format === 'json') source = shaper.json(readJson(bytes, settings.limits), plan.from.root)
      else {
        const root = readXml(bytes, settings.encoding, settings.limits)
        if (root.name !== plan.from.rootElement) {
          throw new MappingError(plan.name, [
            mappingPlace('', 'malformed', { hint: `the root is not ${plan.from.rootElement}` }),
          ])
        }
        source = shaper.xml(root, plan.from.root)
      }
    } catch (cause) {
      throw unreadable(plan.name, cause)
    }
    if (shaper.places.length > 0) throw new MappingError(plan.name, shaper.places)
    return runMapping(plan.name, compiled, source, contexts, new Run(byteLength(encode))) as Json
  }
  return { name: plan.name, version: versionOf(plan.version, texts), read }
}

function runMapping(name: string, compiled: CompiledMapping, source: unknown, contexts: Contexts, run: Run): unknown {
  const result = compiled(source, contexts, run)
  if (run.places.length > 0) throw new MappingError(name, run.places)
  return result
}

/** Length in bytes; a text that cannot be encoded counts as none, because that is another place. */
function byteLength(encode: (text: string) => Buffer): (text: string) => number {
  return (text) => {
    try {
      return encode(text).length
    } catch {
      return 0
    }
  }
}

function unreadable(name: string, cause: unknown): unknown {
  if (!(cause instanceof MessageUnreadable)) return cause
  return new MappingError(name, [mappingPlace('', 'malformed', { hint: cause.message })])
}

function contentType({ format, encoding }: ProfileSettings): string {
  return format === 'json' ? 'application/json' : `application/xml; charset=${encoding.name}`
}

function versionOf(version: string, texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n`).update(text)
  return `${version}-${hash.digest('hex').slice(0, 12)}`
}
