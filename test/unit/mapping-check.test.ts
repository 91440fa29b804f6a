import t from 'tap'
import { faultsOf, ignoreAll, inFile, outFile } from '../support/mapping-workbench.ts'

const out = (set: string, rest = ''): Record<string, string> => ({ 'mappings/x/try.out.yaml': outFile(set, rest) })
const within = (set: string): Record<string, string> => ({ 'mappings/x/try.in.yaml': inFile(set, answerIgnored) })
const answerIgnored = 'ignore:\n  Id: not needed\n  Flag: not needed\n  Data: not needed\n'

/** Faults besides those about source fields that the short mappings here leave unused. */
function found(files: Record<string, string | null>): string[] {
  return faultsOf(files)
    .filter((fault) => !/is not used|is used, so it/.test(fault.detailEn))
    .map((fault) => `${fault.line}:${fault.column} ${fault.path}: ${fault.detailEn}`)
}

const good = `Head.Id: number
Head.Kind: kind | code(KIND)
Head.Date: signedOn | date("yyyy-MM-dd'T'00:00:00")
Head.Amount: { when: amount present, value: amount | wan(6) }
Head.Time: filedAt | instant("yyyy-MM-dd HH:mm:ss", Asia/Shanghai)
Head.Pages: pages
Head.Urgent: urgent | code(YES)
Head.Use: use
Head.Note: note | slice(0, 4)
Data.ROW[]:
  each: parts as part
  rows:
    each: part.people[role=owner] as one
    set:
      NAME: one.name
      NO: $n
      PART: part.id`

const goodIgnore = `ignore:
  parts[].people[].phone: not carried
  parts[].people[].share: not carried
  parts[].people[].tags: not carried
`

await t.test('a mapping that uses or ignores every source field has no fault', (t) => {
  t.strictSame(faultsOf(out(good, goodIgnore)), [])
  t.end()
})

await t.test('each kind of fault is told with its line and column', (t) => {
  const cases: [string, string, string][] = [
    ['unknown source path', 'Head.Id: numbre', '6:12 Head.Id: unknown source path numbre (no numbre)'],
    [
      'unknown path under a name',
      'Head.Id: number\nData.ROW[]:\n  each: parts as part\n  set:\n    NAME: part.name',
      '10:13 Data.ROW[].NAME: unknown source path part.name (no name)',
    ],
    ['unknown context path', 'Head.Id: site.county', '6:12 Head.Id: unknown source path site.county (no county)'],
    ['unknown target', 'Head.Id: number\nHead.Idd: number', '7:3 Head.Idd: unknown target Head.Idd (no Idd)'],
    ['no line for a required target', 'Head.Note: =x', '5:1 Head.Id: no line for the required target Head.Id'],
    [
      'required target that may stay absent',
      'Head.Id: note | fits(18)',
      '6:12 Head.Id: the required target Head.Id may stay absent: say default(…) or required',
    ],
    [
      'required target in a row',
      'Head.Id: number\nData.ROW[]: { each: parts as part, set: { NO: part.id } }',
      '7:15 Data.ROW[].NAME: no line for the required target Data.ROW[].NAME',
    ],
    [
      'condition that may not hold',
      'Head.Id: { when: kind = maximum, value: number }',
      '6:43 Head.Id: the required target Head.Id may stay absent: say default(…) or required',
    ],
    ['type: boolean', 'Head.Id: number\nHead.Note: urgent', '7:14 Head.Note: a boolean goes out through code(…)'],
    [
      'type: instant',
      'Head.Id: number\nHead.Bytes: filedAt',
      '7:15 Head.Bytes: an instant goes out through instant(…)',
    ],
    [
      'type: text into decimal',
      'Head.Id: number\nHead.Amount: number',
      '7:16 Head.Amount: the types differ: text into decimal',
    ],
    ['type: list', 'Head.Id: parts[].id', '6:12 Head.Id: the target takes a single value, not a list'],
    ['unit', 'Head.Id: number\nHead.Amount: amount', '7:16 Head.Amount: the units differ: yuan into wan'],
    [
      'pattern',
      'Head.Id: number\nHead.Date: signedOn',
      "7:14 Head.Date: the pattern of this field is yyyy-MM-dd'T'00:00:00",
    ],
    [
      'length of a source',
      'Head.Id: number\nHead.Note: number',
      '7:14 Head.Note: up to 18 characters, the target takes 4',
    ],
    [
      'length of a literal',
      'Head.Id: number\nHead.Note: =12345',
      '7:14 Head.Note: up to 5 characters, the target takes 4',
    ],
    [
      'enumeration without its table',
      'Head.Id: number\nHead.Kind: kind',
      '7:14 Head.Kind: a code of table KIND is expected: use code(KIND)',
    ],
    ['literal that is no code', 'Head.Id: number\nHead.Kind: =3', '7:14 Head.Kind: code table KIND does not have 3'],
    [
      'table that does not cover',
      'Head.Id: number\nHead.Bytes: kind | code(YES)',
      '7:22 Head.Bytes: code: code table YES does not have: ordinary, maximum',
    ],
    [
      'table that is not there',
      'Head.Id: number\nHead.Bytes: kind | code(NONE)',
      '7:27 Head.Bytes: there is no code table NONE',
    ],
    [
      'table in the wrong direction',
      'Head.Id: number | meaning(KIND)',
      '6:21 Head.Id: meaning is for the other direction',
    ],
    [
      'literal that can never be',
      'Head.Id: number\nHead.Note: { when: kind = other, value: =x }',
      '7:29 Head.Note: kind can never be other',
    ],
    [
      'forbidden row, even of constants',
      'Head.Id: number\nData.SECRET[]: { set: { X: =1 } }',
      '7:3 Data.SECRET[]: SECRET must never be sent outward',
    ],
    [
      'forbidden attribute of one row',
      'Head.Id: number\nData.ROW[]: { set: { NAME: =a, TEL: =1 } }',
      '7:34 Data.ROW[].TEL: ROW.TEL must never be sent outward',
    ],
    ['two lines for one target', 'Head.Id: number\nHead.Id: number', '7:3 Head.Id: two lines for one target'],
    [
      'rows under no list',
      'Head.Id: { each: parts as part, set: { NAME: =a } }',
      '6:3 Head.Id: Head.Id is no list and takes no block of rows',
    ],
    [
      'brackets on no list',
      'Head.Id: number\nHead.Note[]: =x',
      '7:3 Head.Note[]: Head.Note[] is no list and takes no block of rows',
    ],
    [
      'a list without brackets',
      'Head.Id: number\nData.ROW: { set: { NAME: =a } }',
      '7:3 Data.ROW: Data.ROW is a list: write Data.ROW[]',
    ],
    [
      'into a list',
      'Head.Id: number\nData.ROW.NAME: =a',
      '7:3 Data.ROW.NAME: ROW is a list: give it a block of its own, ROW[]',
    ],
    [
      'each over no list',
      'Head.Id: number\nData.ROW[]: { each: number as one, set: { NAME: =a } }',
      '7:23 Data.ROW[]: number is no list',
    ],
    [
      'name taken',
      'Head.Id: number\nData.ROW[]: { each: parts as site, set: { NAME: =a } }',
      '7:23 Data.ROW[]: the name site is taken by an outer block or a context',
    ],
    [
      'list without a bracket',
      'Head.Id: parts.id',
      '6:12 Head.Id: parts.id: a list needs [], [0] or a filter before .id',
    ],
    ['unknown step', 'Head.Id: number | trim', '6:21 Head.Id: there is no step trim'],
    ['misused step', 'Head.Id: number | slice', '6:21 Head.Id: slice has 0 argument(s), not as many as it needs'],
    ['row number outside', 'Head.Id: $n', '6:12 Head.Id: $n stands outside of any block'],
    ['grammar', 'Head.Id: number || upper', '6:20 Head.Id: the name of a step is expected here'],
    ['quote without end', 'Head.Id: number | pad(2, "0)', '6:28 Head.Id: a quote that does not end'],
    [
      'else before the end',
      'Head.Id:\n  - { else: number }\n  - { when: note present, value: note }',
      '7:15 Head.Id: else comes last',
    ],
    [
      'cut by a comment',
      'Head.Id: ="a #1"',
      '6:12 Head.Id: a comment follows the value and may have cut it: quote the value, or give the comment a line of its own',
    ],
  ]
  for (const [name, set, expected] of cases) {
    t.ok(found(out(set)).includes(expected), name, { found: found(out(set)), expected })
  }
  t.end()
})

await t.test('inward files are held to the same rules', (t) => {
  const cases: [string, string, string][] = [
    [
      'wire code into an enumeration',
      'events[]:\n  each: Data.FACT as row\n  set:\n    fact: =made\n    kind: row.KIND',
      'an enumeration takes meaning(…) of a table that refuses unknown codes',
    ],
    [
      'text into integer',
      'events[]: { each: Data.FACT as row, set: { fact: =made, part: row.KEY } }',
      'the types differ: text into integer',
    ],
    [
      'a word that is not in the enumeration',
      'events[]: { set: { fact: =done } }',
      'done is not in the enumeration of the target',
    ],
    [
      'a code that the table does not have',
      'events[]: { each: Data.FACT as row, where: row.KIND = 7, set: { fact: =made } }',
      'code table KIND does not have 7',
    ],
    [
      'the wrong pattern',
      'events[]:\n  each: Data.FACT as row\n  set:\n    fact: =made\n    at: row.AT | instant("yyyy-MM-dd", Asia/Shanghai)',
      "instant: the pattern of this field is yyyy-MM-dd'T'HH:mm:ss",
    ],
    [
      'the wrong unit',
      'events[]: { each: Data.FACT as row, set: { fact: =made, amount: row.AMOUNT | yuan(2) } }',
      'yuan: the unit does not fit: an amount in yuan is expected',
    ],
    [
      'an unparsed instant',
      'events[]: { each: Data.FACT as row, set: { fact: =made, at: row.AT } }',
      'the types differ: text into instant',
    ],
    [
      'code outward only',
      'events[]: { each: Data.FACT as row, set: { fact: =made, kind: row.KIND | code(KIND) } }',
      'code is for the other direction',
    ],
    [
      'a required field of a record that has lines',
      'events[]: { set: { fact: =made, certificate.holder: Id } }',
      'no line for the required target events[].certificate.number',
    ],
    [
      'a join of unlike types',
      'events[]:\n  each: Data.FACT as row\n  set:\n    fact: =made\n    part: Data.LINK[PART=row.KEY][0].PART',
      'the two sides of the filter are not of one type',
    ],
  ]
  for (const [name, set, expected] of cases) {
    const details = found(within(set))
    t.ok(
      details.some((detail) => detail.endsWith(expected)),
      name,
      { details, expected },
    )
  }
  t.end()
})

await t.test('source fields are used or ignored, never both, never neither', (t) => {
  const unused = faultsOf(out(good)).map((fault) => fault.path)
  t.strictSame(unused, ['parts[].people[].phone', 'parts[].people[].share', 'parts[].people[].tags[]'])
  const both = faultsOf(out(good, `${goodIgnore}  pages: used all the same\n`))
  t.match(both, [{ line: 27, column: 3, path: 'pages', detailEn: 'pages is used, so it cannot be ignored' }])
  t.match(faultsOf(out('Head.Id: =1', ignoreAll)), [])
  const filtered = `${good}\n    `.trimEnd().replace('NO: $n', 'NO: $n\n      TEL: one.phone')
  const allowed = { 'mappings/x/profile.yaml': 'profile: x\nformat: xml\nencoding: { name: UTF-8 }\nemptyValue: /\n' }
  const rest =
    'ignore:\n  parts[].people[role=buyer].phone: only owners are told\n  parts[].people[].share: no\n  parts[].people[].tags: no\n'
  t.strictSame(faultsOf({ ...out(filtered, rest), ...allowed }), [], 'one role is used, the other ignored')
  t.match(faultsOf({ ...out(filtered, rest.replace('role=buyer', 'role=owner')), ...allowed }), [
    { detailEn: 'parts[].people[role=owner].phone is used, so it cannot be ignored' },
  ])
  t.match(faultsOf(out('Head.Id: =1', `${ignoreAll}  floor: gone\n`)), [
    { path: 'floor', detailEn: /unknown source path/ },
  ])
  t.end()
})

await t.test('conditions tell what is there', (t) => {
  const ok = [
    'Head.Id: number\nHead.Note: =x\nData.ROW[]: { each: parts as part, rows: { each: part.people as one, where: one.phone present, set: { NAME: one.phone } } }',
    'Head.Id:\n  - { when: note absent, value: number }\n  - { else: note | fits(18) }',
    'Head.Id: { when: note present and kind = maximum, value: note | fits(18), else: number }',
    'Head.Id: { when: not (note absent or kind = maximum), value: note | fits(18), else: number }',
  ]
  for (const set of ok) t.strictSame(found(out(set)), [], set)
  t.match(found(out('Head.Id: { when: note present or kind = maximum, value: note | fits(18), else: number }')), [
    /may stay absent/,
  ])
  t.end()
})

await t.test('heads, profiles, tables and schemas have their own faults, all told at once', (t) => {
  const details = (files: Record<string, string | null>): string =>
    faultsOf(files)
      .map((fault) => `${fault.file} ${fault.detailEn}`)
      .join('\n')
  const file = out('Head.Id: =1', ignoreAll)['mappings/x/try.out.yaml'] ?? ''
  const head = (from: string, to: string): Record<string, string> => ({
    'mappings/x/try.out.yaml': file.replace(from, to),
  })
  t.match(details(head('version: 1\n', '')), /try\.out\.yaml version is missing/)
  t.match(details(head('version: 1', 'version: one')), /the version is a whole number/)
  t.match(details(head('x/wire', 'x/other')), /there is no schema x\/other/)
  t.match(details(head('canonical/case', 'x/answer')), /from must be canonical/)
  t.match(details(head('mapping: x/try', 'mapping: x/trial')), /the file is called x\/try/)
  t.match(details(head('ignore:', 'overlay: x/y\nignore:')), /overlay is reserved/)
  t.match(details(head('ignore:', 'ignored:')), /unknown key ignored/)
  t.match(details({ 'mappings/x/try.yaml': file }), /called MESSAGE\.out\.yaml/)
  t.match(details({ 'mappings/x/profile.yaml': null }), /profile\.yaml is missing/)
  t.match(
    details({ 'mappings/x/profile.yaml': 'profile: x\nformat: xml\nencoding: { name: GB18030 }\n' }),
    /needs its edition/,
  )
  t.match(
    details({
      'mappings/x/codes/KIND.yaml':
        "table: KIND\nunknown: refuse\nvalues:\n  - { word: a, code: '1' }\n  - { word: b, code: '1' }\n",
    }),
    /exactly one must be preferred/,
  )
  t.strictSame(
    details({
      'mappings/x/codes/KIND.yaml':
        "table: KIND\nunknown: refuse\nvalues:\n  - { word: a, code: '1' }\n  - { word: b, code: '1', preferred: true }\n",
    }),
    '',
  )
  t.match(
    details({ 'mappings/x/codes/KIND.yaml': 'table: KIND\nvalues: []\n' }),
    /unknown: refuse or keep must be said[\s\S]*has no values/,
  )
  t.match(details({ ...out('Head.Id: =1', ignoreAll), 'schemas/x/wire.schema.json': '{"type":"object"' }), /not JSON/)
  t.match(details({ ...out('Head.Id: =1', ignoreAll), 'mappings/x/codes/USE.yaml': null }), /names the code table USE/)
  t.match(
    details({ ...out('Head.Id: =1', ignoreAll), 'schemas/canonical/contexts.schema.json': null }),
    /contexts is missing/,
  )
  const several = {
    ...out('Head.Id: numbre\nHead.Note: urgent', ignoreAll),
    ...within('events[]: { set: { fact: =done } }'),
  }
  t.equal(found(several).length, 3, 'two files, three faults, one start')
  t.end()
})
