import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { eventTypes } from '../../src/bank/api/event-types.ts'
import { problems } from '../../src/base/problem-catalogue.ts'
import { idNumberFault } from '../../src/cases/rules/identifiers.ts'
import { SchemaComponents } from '../../src/http/openapi/schemas.ts'
import { Documented } from '../support/documented.ts'

const page = readFileSync('docs/integration.md', 'utf8')
const AGAIN = {
  never: '否 no',
  'same-key': '是，原键 yes, same key',
  after: '是，等 Retry-After，原键 yes, after Retry-After',
}

const byText = (one: string, other: string): number => (one < other ? -1 : 1)

await t.test('the table of errors has each code of the catalogue, and says of it what the catalogue says', (t) => {
  const [, section = ''] = page.split('\n## 错误表')
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\S+)` \| (.*?) \| (.*?) \| (.*?) \|/gm)]
  t.strictSame(
    rows.map(([, ...cells]) => cells.join(' | ')).toSorted(byText),
    Object.entries(problems)
      .map(
        ([code, { status, retry, title, titleEn }]) => `${code} | ${status} | ${AGAIN[retry]} | ${title} · ${titleEn}`,
      )
      .toSorted(byText),
  )
  t.end()
})

await t.test('there is a sample of each event type, and each is as events are described', (t) => {
  const components = new SchemaComponents(['schemas/canonical', 'schemas/api'])
  components.reference('event')
  const documented = new Documented({ components: { schemas: components.all() } })
  const block = /```jsonl\n([^]*?)\n```/.exec(page)?.[1] ?? ''
  const events = block.split('\n').map((line) => JSON.parse(line) as { type: string; cursor: string })
  for (const event of events)
    t.strictSame(documented.against(['components', 'schemas', 'event'], event), [], event.type)
  t.strictSame(events.map(({ type }) => type).sort(), Object.keys(eventTypes).sort())
  const cursors = events.map(({ cursor }) => Number(cursor))
  t.strictSame(
    cursors,
    [...new Set(cursors)].sort((one, other) => one - other),
    'in the order of the feed',
  )
  t.end()
})

await t.test('the operator of the guide is one that the command takes', (t) => {
  const text = /cat > operator\.json <<'END'\n([^]*?)\nEND\n/.exec(page)?.[1] ?? ''
  const { name, phone, idType, idNumber, ...more } = JSON.parse(text) as Record<string, string>
  t.strictSame(more, {})
  t.type(name, 'string')
  t.match(phone, /^[0-9-]{7,20}$/)
  t.equal(idNumberFault(String(idType), String(idNumber), '2026-11-09'), null)
  t.end()
})

await t.test('what the guide and the shell client’s page point to is there', (t) => {
  for (const file of ['docs/integration.md', 'clients/shell/README.md']) {
    const text = readFileSync(file, 'utf8')
    const named = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => join(dirname(file), match[1] ?? ''))
    const paths = [...text.matchAll(/`((?:schemas|clients)\/[\w./-]+)`/g)].map((match) => match[1] ?? '')
    for (const path of [...named, ...paths]) t.ok(existsSync(path), `${path} of ${file}`)
  }
  t.end()
})
