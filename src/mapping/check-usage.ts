import type { MappingFile } from './mapping-file.ts'
import type { RecordNode, SchemaNode } from './schema.ts'
import { resolvePath, type Scope, type Usage } from './scope.ts'

/** Every leaf of the source is used or ignored, and nothing that is used is ignored. */
export function checkIgnores(
  file: MappingFile,
  source: RecordNode,
  scope: Scope,
  usage: Usage,
  hasFaults: boolean,
): void {
  const ignored: string[] = []
  for (const { path, offset } of file.ignores) {
    const resolved = resolvePath(
      path,
      scope,
      null,
      (_, zh, en) => {
        file.yaml.fault(offset, path.text, zh, en)
        return null
      },
      true,
    )
    if (resolved === null || resolved.key === null || resolved.filteredKey === null) continue
    ignored.push(resolved.key)
    const hasFilter = path.parts.some((part) => part.kind === 'filter')
    const [used, key] = hasFilter
      ? [usage.filtered, withBracket(resolved.filteredKey, resolved.key)]
      : [usage.plain, resolved.key]
    const conflict = [...used].find((one) => isUnder(one, key))
    if (conflict !== undefined) {
      file.yaml.fault(offset, path.text, `忽略了已使用的 ${conflict}`, `${conflict} is used, so it cannot be ignored`)
    }
  }
  // While a line is wrong, nobody knows what it would use.
  if (hasFaults) return
  for (const leaf of leavesOf(source, '')) {
    // A field that a context hides cannot be used and need not be.
    if (scope.contexts.fields.has(leaf.split(/[.[]/, 1)[0] ?? '')) continue
    if (usage.plain.has(leaf) || ignored.some((key) => isUnder(leaf, key))) continue
    file.yaml.fault(
      file.heads.get('ignore') ?? file.heads.get('set') ?? 0,
      leaf,
      `源字段未使用：${leaf}（使用它，或在 ignore 中写明原因）`,
      `the source field ${leaf} is not used: use it, or ignore it with a reason`,
    )
  }
}

function isUnder(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`)
}

function withBracket(filteredKey: string, key: string): string {
  return key.endsWith('[]') && !filteredKey.endsWith(']') ? `${filteredKey}[]` : filteredKey
}

function leavesOf(node: SchemaNode, path: string): string[] {
  if (node.kind === 'leaf') return [path]
  if (node.kind === 'list') return leavesOf(node.item, `${path}[]`)
  return [...node.fields].flatMap(([name, field]) => leavesOf(field.node, path === '' ? name : `${path}.${name}`))
}
