import t from 'tap'
import { datePattern } from '../../src/mapping/calendar.ts'
import { checkExpression } from '../../src/mapping/check-value.ts'
import { readCodeTable } from '../../src/mapping/code-table.ts'
import { Code, writeValue } from '../../src/mapping/compile-value.ts'
import { parseExpression } from '../../src/mapping/expression.ts'
import { FaultList } from '../../src/mapping/faults.ts'
import { functions } from '../../src/mapping/functions.ts'
import { Run, runtime } from '../../src/mapping/run.ts'
import type { LeafNode, RecordNode, SchemaNode } from '../../src/mapping/schema.ts'
import { Scope } from '../../src/mapping/scope.ts'
import type { Direction } from '../../src/mapping/step.ts'
import { YamlFile } from '../../src/mapping/yaml-file.ts'

const faults = new FaultList()
const table = readCodeTable(
  new YamlFile(
    'T.yaml',
    "table: T\nunknown: refuse\nvalues:\n  - { word: ordinary, code: '1' }\n  - { word: maximum, code: '2' }\n",
    faults,
  ),
  'T',
)
if (table === null) throw new Error('no table')
const tables = new Map([['T', table]])

const leaf: LeafNode = {
  kind: 'leaf',
  type: 'text',
  json: 'string',
  maxLength: null,
  maxBytes: null,
  unit: null,
  table: null,
  words: null,
  pattern: null,
  empty: false,
  alias: null,
}
const record = (fields: Record<string, SchemaNode>): RecordNode => ({
  kind: 'record',
  fields: new Map(Object.entries(fields).map(([name, node]) => [name, { node, required: false }])),
  as: 'elements',
  forms: null,
})

/** Runs `input | call` through checker and compiler, as a line of a mapping does. */
function runStep(
  call: string,
  input: unknown,
  direction: Direction,
  type: object = {},
): { value: unknown; notes: string[]; faults: string[] } {
  const member = { ...leaf, ...type } as LeafNode
  const node: SchemaNode = Array.isArray(input)
    ? { kind: 'list', item: member, minItems: 0, maxItems: null, empty: false }
    : member
  const found: string[] = []
  const scope = new Scope(record({ input: node }), record({}), direction === 'in')
  const plan = checkExpression({ tree: parseExpression(`input | ${call}`), offset: 0 }, scope, {
    direction,
    tables,
    usage: { plain: new Set(), filtered: new Set() },
    usedTables: new Set(),
    report: (_, __, en) => {
      found.push(en)
      return null
    },
  })
  if (plan === null) return { value: undefined, notes: [], faults: found }
  const code = new Code(direction)
  code.add('let v')
  writeValue(code, plan, 'v')
  const run = new Run(() => 0)
  // oxlint-disable-next-line typescript/no-implied-eval
  const compiled = new Function('K', 'H', 's', 'R', `const N = R.notes\n${code.lines.join('\n')}\nreturn v`)
  return { value: compiled(code.constants, runtime, { input }, run), notes: [...run.notes], faults: found }
}

await t.test('every step does what its example says', (t) => {
  for (const [name, { example }] of functions) {
    const { value, notes, faults } = runStep(example.call, example.input, example.direction, example.type)
    t.strictSame(value, example.output, `${name}: ${example.call}`)
    t.strictSame([notes, faults], [[], []], name)
    t.ok(example.call.startsWith(name), `the example of ${name} shows it`)
  }
  t.end()
})

await t.test('absent runs through every step but default and required', (t) => {
  for (const [name, { example, absent }] of functions) {
    if (Array.isArray(example.input)) continue
    const { value, notes } = runStep(example.call, undefined, example.direction, example.type)
    if (absent !== 'handles') t.strictSame([value, notes], [undefined, []], name)
  }
  t.strictSame(runStep('default(=/)', undefined, 'out').value, '/')
  t.strictSame(runStep('required', undefined, 'out').notes, ['missing'])
  t.strictSame(runStep('required', '', 'out').value, '', 'an empty text is a value')
  t.end()
})

await t.test('what a step cannot take is noted, never changed in silence', (t) => {
  const decimal = { type: 'decimal' }
  const refused: [string, unknown, Direction, object, string][] = [
    ['code(T)', 'unknown', 'out', {}, 'not-in-table'],
    ['meaning(T)', '3', 'in', {}, 'not-in-table'],
    ['wan(6)', '0.001', 'out', decimal, 'digit-lost'],
    ['wan(6)', '1.2345678', 'in', decimal, 'digit-lost'],
    ['wan(6)', '1e5', 'out', decimal, 'not-a-decimal'],
    ['yuan(2)', '80.005', 'in', decimal, 'digit-lost'],
    ['date("yyyy-MM-dd")', '2026-02-29', 'out', { type: 'date' }, 'not-a-date'],
    [`date("yyyy-MM-dd'T'00:00:00")`, '2026-02-28T08:00:00', 'in', {}, 'not-a-date'],
    [`instant("yyyy-MM-dd HH:mm:ss", Asia/Shanghai)`, '2026-11-09', 'in', {}, 'not-a-date'],
    ['only', ['a', 'b'], 'in', {}, 'not-single'],
    ['only', [], 'in', {}, 'not-single'],
    ['fits(2)', '阳新县', 'out', {}, 'too-long'],
    ['sum', ['1', 'x'], 'in', decimal, 'not-a-decimal'],
    ['upper', 7, 'out', {}, 'wrong-type'],
  ]
  for (const [call, input, direction, type, note] of refused) {
    const result = runStep(call, input, direction, type)
    t.strictSame([result.value, result.notes], [undefined, [note]], `${JSON.stringify(input)} | ${call}`)
  }
  t.end()
})

await t.test('amounts keep every digit in both directions', (t) => {
  const decimal = { type: 'decimal' }
  t.equal(runStep('wan(6)', '0.01', 'out', decimal).value, '0.000001')
  t.equal(runStep('wan(6)', '0.000001', 'in', decimal).value, '0.01')
  t.equal(runStep('wan(6)', '53', 'in', decimal).value, '530000.00')
  t.equal(runStep('wan(6)', '99999999999999.99', 'out', decimal).value, '9999999999.999999')
  t.end()
})

await t.test('characters are counted, not units: 𠮷 is one', (t) => {
  t.equal(runStep('slice(1, 2)', '柯𠮷明', 'out').value, '𠮷')
  t.equal(runStep('fits(3)', '柯𠮷明', 'out').value, '柯𠮷明')
  t.equal(runStep('strip', '420222 001003　GB\t00057', 'out').value, '420222001003GB00057')
  t.end()
})

await t.test('a step on a value of another type is refused before anything runs', (t) => {
  const misused: [string, unknown, Direction, object][] = [
    ['join(、)', 'one', 'out', {}],
    ['upper', ['a'], 'out', {}],
    ['wan(6)', 'x', 'out', {}],
    ['code(T)', ['ordinary'], 'out', {}],
    ['code(T)', 'x', 'in', {}],
    ['meaning(T)', '1', 'out', {}],
    ['code(MISSING)', 'x', 'out', {}],
    ['code(T)', 'other', 'out', { type: 'code', words: ['ordinary', 'other'] }],
    ['instant("yyyy-MM-dd", Asia/Yangxin)', 'x', 'in', {}],
    ['date("dd/MM/yy")', 'x', 'in', {}],
    ['date("yyyy-MM-dd HH:mm")', 'x', 'in', {}],
    ['text("{} {}")', 'x', 'out', {}],
    ['slice(x)', 'x', 'out', {}],
    ['slice(3, 2)', 'x', 'out', {}],
    ['wan', '1', 'out', { type: 'decimal' }],
    ['upper(1)', 'x', 'out', {}],
    ['brackets(wide)', 'x', 'out', {}],
    ['reverse', 'x', 'out', {}],
  ]
  for (const [call, input, direction, type] of misused) {
    t.equal(runStep(call, input, direction, type).faults.length, 1, call)
  }
  t.end()
})

await t.test('local times of Shanghai: no day is lost, and what never was or was twice is refused', (t) => {
  const at = (text: string): unknown => runStep(`instant("yyyy-MM-dd'T'HH:mm:ss", Asia/Shanghai)`, text, 'in')
  t.match(at('1988-07-01T12:00:00'), { value: '1988-07-01T12:00:00+09:00' }, 'summer time')
  t.match(at('2026-11-09T00:00:00'), { value: '2026-11-09T00:00:00+08:00' })
  t.match(at('1988-04-17T02:30:00'), { notes: ['local-time-unclear'] }, 'never was')
  t.match(at('1988-09-11T01:30:00'), { notes: ['local-time-unclear'] }, 'was twice')
  // Before the zones, local mean time: +08:05:43, which no ISO 8601 offset can say. The instant is the same.
  const long = (at('1900-01-01T00:00:00') as { value: string }).value
  t.equal(long, '1900-01-01T00:00:17+08:06')
  t.equal(new Date(long).toISOString(), '1899-12-31T15:54:17.000Z')
  t.equal(
    runStep('instant("yyyy-MM-dd HH:mm:ss", Asia/Shanghai)', long, 'out', { type: 'instant' }).value,
    '1900-01-01 00:00:00',
    'and comes back',
  )
  const out = runStep('instant("yyyy-MM-dd HH:mm:ss", Asia/Shanghai)', '2026-11-09T01:18:00.999Z', 'out', {
    type: 'instant',
  })
  t.equal(out.value, '2026-11-09 09:18:00')
  t.equal(runStep('date("yyyy-MM-dd")', '1988-04-17', 'out', { type: 'date' }).value, '1988-04-17')
  t.throws(() => datePattern('yyyy-MM-dd yyyy'), /twice/)
  t.end()
})
