import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import t from 'tap'
import type { Json } from '../../src/base/json.ts'
import { MappingError, type MappingPlace } from '../../src/mapping/faults.ts'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'
import type { MappingSet } from '../../src/mapping/mapping-set.ts'
import { ignoreAll, inFile, loadBench, outFile } from '../support/mapping-workbench.ts'

const gb = (edition: string): string =>
  `profile: x\nformat: xml\nencoding: { name: GB18030, edition: '${edition}' }\nemptyValue: /\nlimits: { bytes: 100000, depth: 8 }\n`

/** Everything of the source may stay unused in these small mappings. */
function outward(set: string, more: Record<string, string> = {}): MappingSet {
  const used = [...set.matchAll(/\b(number|kind|amount|signedOn|filedAt|pages|urgent|note|use|parts)\b/g)].map(
    (match) => match[0],
  )
  const leaves = ['people[].phone', 'people[].share', 'people[].tags', 'people[].role', 'people[].name', 'id']
  const rest = ignoreAll
    .split('\n')
    .filter((line) => !used.some((name) => line.startsWith(`  ${name}:`)))
    .concat(
      used.includes('parts')
        ? leaves.filter((leaf) => !set.includes(leaf.split('.').at(-1) ?? '')).map((leaf) => `  parts[].${leaf}: no`)
        : [],
    )
    .join('\n')
  return loadBench({ 'mappings/x/try.out.yaml': outFile(set, rest), ...more })
}

const base = {
  number: '420222261109000002',
  kind: 'maximum',
  signedOn: '2026-11-06',
  parts: [{ id: 'p1', people: [] }],
}
const contexts = { case: { id: 'c1' }, message: { id: 'm1' }, site: { area: '420222' } }

function text(set: MappingSet, source: object): string {
  return set
    .outward('x/try')
    .render(source as Json, contexts)
    .toString()
}

function places(run: () => unknown): readonly MappingPlace[] {
  try {
    run()
  } catch (cause) {
    if (cause instanceof MappingError) return cause.places
    throw cause
  }
  return []
}

await t.test('fields follow the schema, not the mapping; absent ones are empty marks or gone', (t) => {
  const set = outward(
    'Head.Note: note\nHead.Amount: { when: amount present, value: amount | wan(6) }\nHead.Id: number'.replace(
      'Head.Note: note',
      'Head.Bytes: note',
    ),
  )
  t.equal(
    text(set, { ...base, amount: '12.30' }),
    '<?xml version="1.0" encoding="UTF-8"?><Message><Head><Id>420222261109000002</Id><Kind>/</Kind><Use>/</Use><Amount>0.001230</Amount>' +
      '<Date>/</Date><Time>/</Time><Pages>/</Pages><Urgent>/</Urgent><Note>/</Note><Bytes>/</Bytes></Head><Data></Data></Message>',
  )
  t.end()
})

await t.test('blocks nest, filter, number their rows and follow one another', (t) => {
  const set = outward(
    `Head.Id: number
Data.ROW[]:
  - each: parts as part
    rows:
      - each: part.people[role=owner] as one
        where: one.phone present
        set: { NAME: one.name, NO: $n, PART: 'text' }
      - { set: { NAME: part.id, NO: $n(part) } }
  - set: { NAME: =last }`.replace("PART: 'text'", 'PART: \'$n(part) | text("{}-{}", $n)\''),
  )
  const person = (role: string, name: string, phone?: string): object => ({
    role,
    name,
    ...(phone === undefined ? {} : { phone }),
  })
  const source = {
    ...base,
    parts: [
      {
        id: 'p1',
        people: [person('owner', 'a', '1'), person('buyer', 'b', '2'), person('owner', 'c'), person('owner', 'd', '4')],
      },
      { id: 'p2', people: [person('owner', 'e', '5')] },
    ],
  }
  const rows = [...text(set, source).matchAll(/<ROW ([^/]*)\/>/g)].map((match) => match[1])
  t.strictSame(rows, [
    'NAME="a" NO="1" PART="1-1"',
    'NAME="d" NO="2" PART="1-2"',
    'NAME="p1" NO="1"',
    'NAME="e" NO="1" PART="2-1"',
    'NAME="p2" NO="2"',
    'NAME="last"',
  ])
  t.end()
})

await t.test('all places of a document are told, with their rows, and no value of it', (t) => {
  const set = outward(
    `Head.Id: number
Head.Note: note | fits(4)
Head.Use: use
Head.Pages: pages | required
Data.ROW[]:
  each: parts as part
  rows:
    each: part.people as one
    set: { NAME: one.name | fits(20), TEL: one.phone | required }`.replace('TEL: one.phone', 'NO: one.phone'),
  )
  const source = {
    ...base,
    number: '4'.repeat(19),
    note: 'longer',
    use: '99',
    parts: [
      {
        id: 'p',
        people: [
          { role: 'owner', name: 'n'.repeat(21), phone: '1' },
          { role: 'owner', name: 'x\u0001' },
        ],
      },
    ],
  }
  const found = places(() => text(set, source))
  t.strictSame(
    found.map((place) => `${place.path} ${place.code}`),
    [
      'Head.Id too-long',
      'Head.Use not-in-table',
      'Head.Pages missing',
      'Head.Note too-long',
      'Data.ROW[0].NAME too-long',
      'Data.ROW[1].NAME not-xml',
      'Data.ROW[1].NO missing',
    ],
  )
  t.equal(found[0]?.source, 'number')
  t.notMatch(JSON.stringify(found), /4444|nnn|u0001/)
  t.match(
    places(() => text(set, { ...base, pages: 1, parts: 'none' })),
    [{ path: 'Data.ROW', code: 'wrong-type' }],
  )
  t.match(
    places(() => text(set, { ...base, pages: '1' })),
    [{ path: 'Head.Pages', code: 'wrong-type' }],
  )
  t.match(
    places(() => text(outward('Head.Id: number\nHead.Bytes: note'), { ...base, note: '阳新' })),
    [{ path: 'Head.Bytes', code: 'too-many-bytes' }],
  )
  const six = {
    ...base,
    pages: 1,
    parts: [{ id: 'p', people: Array.from({ length: 7 }, () => ({ role: 'owner', name: 'x', phone: '1' })) }],
  }
  t.match(
    places(() => text(set, six)),
    [{ path: 'Data.ROW', code: 'too-many-rows' }],
  )
  t.end()
})

await t.test('every field with a character that the encoding lacks is told, and no byte is replaced', (t) => {
  const lines = 'Head.Id: number\nHead.Bytes: note\nData.ROW[]: { each: parts as part, set: { NAME: part.id } }'
  const gbk = { 'mappings/x/profile.yaml': 'profile: x\nformat: xml\nencoding: { name: GBK }\n' }
  const source = {
    ...base,
    note: '𠮷',
    parts: [
      { id: '柯', people: [] },
      { id: '䶮', people: [] },
    ],
  }
  t.strictSame(
    places(() => text(outward(lines, gbk), source)).map(({ path, code }) => [path, code]),
    [
      ['Head.Bytes', 'not-encodable'],
      ['Data.ROW[1].NAME', 'not-encodable'],
    ],
  )
  const set = outward(lines, { 'mappings/x/profile.yaml': gb('2005') })
  const bytes = set.outward('x/try').render(source, contexts)
  t.match(new TextDecoder('gb18030').decode(bytes), /encoding="GB18030"[\s\S]*<Bytes>𠮷<\/Bytes>[\s\S]*NAME="䶮"/)
  t.match(
    places(() => text(set, { ...base, note: '\ud842' })),
    [{ path: 'Head.Bytes', code: 'not-xml' }],
  )
  t.end()
})

await t.test('any text goes through XML and back unchanged, by our reader and another', (t) => {
  const set = loadBench({
    'mappings/x/try.out.yaml': outFile(
      'Head.Id: =1\nHead.Kind: =1\nData.ROW[]: { each: parts as part, set: { NAME: part.id } }\nHead.Bytes: site.area',
      ignoreAll.replace(/ {2}parts: .*\n/, '  parts[].people: no\n'),
    ),
    'schemas/x/wire.schema.json': JSON.stringify({
      type: 'object',
      'x-xml': { root: 'respond' },
      required: ['Head', 'Data'],
      properties: {
        Head: {
          type: 'object',
          properties: { Id: { type: 'string' }, Kind: { type: 'string' }, Bytes: { type: 'string' } },
        },
        Data: {
          type: 'object',
          'x-xml': { as: 'rows' },
          properties: { ROW: { type: 'array', items: { type: 'object', properties: { NAME: { type: 'string' } } } } },
        },
      },
    }),
    'mappings/x/profile.yaml': gb('2022'),
  })
  const other = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseAttributeValue: false,
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
  })
  const character = fc.oneof(
    fc.constantFrom('&', '<', '>', '"', "'", '\t', '\n', '\r', ']]>', '&#60;', '&amp;', '𠮷', '䶮', '·', 'é'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  const allowed = (value: string): boolean => !/[^\t\n\r -\ufffd]/.test(value)
  const texts = fc
    .array(character, { maxLength: 12 })
    .map((parts) => parts.join(''))
    .filter(allowed)
  fc.assert(
    fc.property(texts, texts, (inside, attribute) => {
      const bytes = set
        .outward('x/try')
        .render({ ...base, parts: [{ id: attribute, people: [] }] }, { ...contexts, site: { area: inside } })
      const raw = set.profile('x').parse(bytes) as { Head: { Bytes: string }; Data: { ROW: { NAME: string }[] } }
      t.equal(raw.Data.ROW[0]?.NAME, attribute)
      t.equal(raw.Head.Bytes, inside)
      const seen = other.parse(new TextDecoder('gb18030').decode(bytes)) as {
        respond: { Data: { ROW: { NAME: string } } }
      }
      if (!/&#|&amp;/.test(attribute)) t.equal(seen.respond.Data.ROW.NAME, attribute)
    }),
    { numRuns: 150 },
  )
  t.end()
})

const answers = (set: string, ignored = '  Flag: no\n  Data: no\n'): MappingSet =>
  loadBench({ 'mappings/x/try.in.yaml': inFile(set, `ignore:\n${ignored}`), 'mappings/x/profile.yaml': gb('2005') })

const joined = answers(
  `events[]:
  each: Data.FACT as row
  where: row.KEY != skip
  set:
    fact: { when: row.AT present, value: =made, else: =seen }
    part: Data.LINK[KEY=row.KEY][0].PART
    at: row.AT | instant("yyyy-MM-dd'T'HH:mm:ss", Asia/Shanghai)
    amount: row.AMOUNT | wan(6)
    kind: row.KIND | meaning(KIND)
    names[]: row.NAMES | split(、)
    certificate.number: { when: row.AT present, value: Id, else: Id }`.replace(
    '\n    certificate.number: { when: row.AT present, value: Id, else: Id }',
    '',
  ),
  '  Id: no\n  Flag: no\n',
)

const respond = (data: string, head = ''): Buffer =>
  encodeGb18030(`<respond><Id>1</Id>${head}<Data>${data}</Data></respond>`, '2005')

await t.test('answers become events: joins, times with offset, amounts in yuan, words, lists', (t) => {
  const bytes = respond(
    '<LINK KEY="b" PART="2" NEW="?"/><LINK KEY="a" PART="1"/><STRANGE X="1"/>' +
      '<FACT KEY="a" AT="2026-11-09T14:30:00" AMOUNT="128.654321" KIND="2" NAMES="a、b"/><FACT KEY="skip"/><FACT KIND=""/>',
    '<Unknown><Deep/></Unknown>',
  )
  t.strictSame(joined.inward('x/try').read(bytes, contexts), {
    events: [
      {
        fact: 'made',
        part: 1,
        at: '2026-11-09T14:30:00+08:00',
        amount: '1286543.21',
        kind: 'maximum',
        names: ['a', 'b'],
      },
      { fact: 'seen' },
    ],
  })
  t.strictSame(joined.inward('x/try').read(respond(''), contexts), { events: [] })
  t.end()
})

await t.test('an absent side joins with nothing', (t) => {
  const read = joined.inward('x/try').read(respond('<LINK PART="7"/><FACT/>'), contexts)
  t.strictSame(read, { events: [{ fact: 'seen' }] })
  t.end()
})

await t.test('known values of the wrong type are all told; codes outside of the table too', (t) => {
  const first = places(() =>
    joined.inward('x/try').read(respond('<LINK KEY="a" PART="one"/><FACT AMOUNT="1,5"/>', '<Id>2</Id>'), contexts),
  )
  t.strictSame(
    first.map(({ path, code }) => [path, code]),
    [
      ['Id', 'doubled'],
      ['Data.LINK[0].PART', 'wrong-type'],
      ['Data.FACT[0].AMOUNT', 'wrong-type'],
    ],
  )
  const second = places(() =>
    joined
      .inward('x/try')
      .read(respond('<FACT KIND="7" AT="2026-13-01T00:00:00"/><FACT AMOUNT="1.2345678"/>'), contexts),
  )
  t.strictSame(
    second.map(({ path, code }) => [path, code]),
    [
      ['events[0].at', 'not-a-date'],
      ['events[0].amount', 'digit-lost'],
      ['events[0].kind', 'not-in-table'],
    ]
      .filter(([path]) => path !== 'events[0].amount')
      .concat([['events[1].amount', 'digit-lost']]),
  )
  t.match(
    places(() => joined.inward('x/try').read(Buffer.from('<respond><Data/></respond>'), contexts)),
    [{ path: 'Id', code: 'missing' }],
  )
  t.match(
    places(() => joined.inward('x/try').read(Buffer.from('<Message/>'), contexts)),
    [{ code: 'malformed', detailEn: /root is not respond/ }],
  )
  t.end()
})

await t.test('a record appears with its first value and then needs its required ones', (t) => {
  const set = answers(
    'events[]:\n  each: Data.FACT as row\n  set:\n    fact: =made\n    certificate.number: row.KEY\n    certificate.holder: row.NAMES',
    '  Id: no\n  Flag: no\n  Data.LINK: no\n  Data.FACT[].AT: no\n  Data.FACT[].AMOUNT: no\n  Data.FACT[].KIND: no\n',
  )
  const read = (data: string): unknown => set.inward('x/try').read(respond(data), contexts)
  t.strictSame(read('<FACT/>'), { events: [{ fact: 'made' }] })
  t.strictSame(read('<FACT KEY="k"/>'), { events: [{ fact: 'made', certificate: { number: 'k' } }] })
  t.match(
    places(() => read('<FACT/><FACT NAMES="n"/>')),
    [{ path: 'events[1].certificate.number', code: 'missing' }],
  )
  t.end()
})

const jsonSet = loadBench({
  'mappings/j/try.out.yaml': `mapping: j/try
version: 3
from: canonical/case
to: j/wire
set:
  Case.id: number
  Case.pages: pages
  Case.Unit.Name: note
  Case.Forms.T_MAIN.KIND: kind | code(KIND)
  Case.Forms.T_MAIN.NOTE: note
  Case.Forms.T_WHO[]:
    each: parts as part
    rows: { each: part.people as one, set: { XM: one.name, DH: one.phone } }
${ignoreAll.replace(/ {2}(number|kind|pages|note|parts): .*\n/g, '')}  parts[].id: no
  parts[].people[].role: no
  parts[].people[].share: no
  parts[].people[].tags: no
`,
})

await t.test('JSON: empty values, optional records, forms with aliases, numbered', (t) => {
  const render = (source: object): unknown =>
    JSON.parse(
      jsonSet
        .outward('j/try')
        .render(source as Json, contexts)
        .toString(),
    )
  const people = [
    { role: 'owner', name: '柯"𠮷\\', phone: '1' },
    { role: 'buyer', name: '明' },
  ]
  t.strictSame(render({ ...base, pages: 2, note: 'n', parts: [{ id: 'p', people }] }), {
    Case: {
      id: '420222261109000002',
      sn: '',
      pages: 2,
      Unit: { Name: 'n' },
      Empty: [],
      Forms: [
        {
          FormName: 'T_MAIN',
          FormAlias: '主表',
          UNID: 'f1',
          Items: [
            { field: 'KIND', alias: '种类', value: '最高' },
            { field: 'NOTE', alias: '备注', value: 'n' },
          ],
        },
        {
          FormName: 'T_WHO',
          FormAlias: '人员',
          UNID: 'f2',
          Items: [
            { field: 'XM', alias: '姓名', value: '柯"𠮷\\' },
            { field: 'DH', alias: 'DH', value: '1' },
          ],
        },
        { FormName: 'T_WHO', FormAlias: '人员', UNID: 'f3', Items: [{ field: 'XM', alias: '姓名', value: '明' }] },
      ],
    },
  })
  const least = render({ ...base, parts: [{ id: 'p', people: [] }] }) as { Case: Record<string, unknown> }
  t.notOk('Unit' in least.Case)
  t.match(
    places(() => render({ ...base, note: 'a\u0000' })),
    [
      { path: 'Case.Unit.Name', code: 'not-json' },
      { path: 'Case.Forms.T_MAIN.NOTE', code: 'not-json' },
    ],
  )
  t.match(jsonSet.outward('j/try').version, /^3-[0-9a-f]{12}$/)
  t.equal(jsonSet.outward('j/try').contentType, 'application/json')
  t.end()
})

await t.test('compiled rows are those that a plain reading of the mapping gives, for any document', (t) => {
  const set = outward(`Head.Id: parts[].people[role=owner].name | join(+) | default(=none)
Data.ROW[]:
  - each: parts as part
    where: not (part.id in (x, y)) or kind = ordinary
    rows:
      each: part.people[role=owner] as one
      where: one.phone present and one.phone != 0
      set:
        NAME: one.name
        NO: '$n(part) | text("{}/{}/{}", $n, part.people[role=buyer][0].name)'
        PART:
          - { when: note absent, value: part.id }
          - { when: note = same or urgent = true, value: one.name }
          - { else: note }`)
  interface Person {
    role: string
    name: string
    phone?: string
  }
  interface Source {
    kind: string
    note?: string
    urgent?: boolean
    parts: { id: string; people: Person[] }[]
  }
  const oracle = (source: Source): string[] => {
    const rows: string[] = []
    const parts = source.parts.filter((part) => !['x', 'y'].includes(part.id) || source.kind === 'ordinary')
    for (const [partAt, part] of parts.entries()) {
      const owners = part.people.filter((one) => one.role === 'owner' && one.phone !== undefined && one.phone !== '0')
      const buyer = part.people.find((one) => one.role === 'buyer')
      for (const [at, one] of owners.entries()) {
        const number = buyer === undefined ? '' : ` NO="${partAt + 1}/${at + 1}/${buyer.name}"`
        const { note } = source
        const last = note === undefined ? part.id : note === 'same' || source.urgent === true ? one.name : note
        rows.push(`NAME="${one.name}"${number} PART="${last}"`)
      }
    }
    return rows
  }
  const letter = fc.constantFrom('a', 'b', 'x', 'y')
  const person = fc.record(
    { role: fc.constantFrom('owner', 'buyer'), name: letter, phone: fc.constantFrom('0', '1') },
    { requiredKeys: ['role', 'name'] },
  )
  const sources = fc.record(
    {
      kind: fc.constantFrom('ordinary', 'maximum'),
      note: fc.constantFrom('same', 'n'),
      urgent: fc.boolean(),
      parts: fc.array(fc.record({ id: letter, people: fc.array(person, { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
    },
    { requiredKeys: ['kind', 'parts'] },
  )
  fc.assert(
    fc.property(sources, (source) => {
      const written = text(set, { ...base, ...source })
      const rows = [...written.matchAll(/<ROW (.*?)\/>/g)].map((match) => match[1])
      t.strictSame(rows, oracle(source as Source))
      const owners = source.parts.flatMap((part) =>
        part.people.filter((one) => one.role === 'owner').map((one) => one.name),
      )
      t.ok(written.includes(`<Id>${owners.join('+') || 'none'}</Id>`))
    }),
    { numRuns: 200 },
  )
  t.end()
})

await t.test('the version of a mapping changes with anything that it is made of, and with nothing else', (t) => {
  const version = (more: Record<string, string> = {}): string =>
    outward('Head.Id: number\nHead.Kind: kind | code(KIND)', more).outward('x/try').version
  const table = (name: string): string =>
    `table: ${name}\nunknown: refuse\nvalues:\n  - { word: ordinary, code: '1', name: 一般 }\n  - { word: maximum, code: '2', name: 变了 }\n`
  t.equal(version(), version())
  t.not(version(), version({ 'mappings/x/codes/KIND.yaml': table('KIND') }))
  t.not(version(), version({ 'mappings/x/profile.yaml': gb('2005') }))
  t.equal(version(), version({ 'mappings/x/codes/OTHER.yaml': table('OTHER') }))
  t.end()
})

await t.test('text from files is text in the compiled form, never code', (t) => {
  const set = outward(`Head.Id: number\nHead.Bytes: 'site.area | slice(0, 1) | text("{}\`\${R}'')")'`, {
    'schemas/x/wire.schema.json': JSON.stringify({
      type: 'object',
      'x-xml': { root: 'M"+process.exit(1)+"' },
      properties: { Head: { type: 'object', properties: { Id: { type: 'string' }, Bytes: { type: 'string' } } } },
    }),
  })
  t.match(text(set, base), /^<\?xml[^>]*><M"\+process\.exit\(1\)\+">.*<Bytes>4`\$\{R\}'\)<\/Bytes>/)
  t.end()
})
