import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import type { Application } from '../../src/cases/application.ts'
import { normalise } from '../../src/cases/normalise.ts'
import { openValidator } from '../../src/http/validator.ts'
import { canonicalTypes, clientTypes } from '../support/canonical-types.ts'

type Document = { [member: string]: unknown }

const validator = openValidator('schemas')
const application = validator('application')

function golden(): Document {
  return JSON.parse(readFileSync('test/messages/canonical-mortgage-first.json', 'utf8')) as Document
}

/** The golden application with `value` at a JSON pointer; undefined takes the member away. */
function changed(pointer: string, value: unknown): Document {
  const document = golden()
  const names = pointer.slice(1).split('/')
  const last = names.pop() ?? ''
  let node = document
  for (const name of names) node = node[name] as Document
  if (value === undefined) delete node[last]
  else node[last] = value
  return document
}

function inParts(): Document {
  const { reason, remarks, parties, properties, mortgage, ...rest } = golden()
  const part = { part: 1, businessType: 'mortgage-first', reason, remarks, parties, properties, mortgage }
  return { ...rest, parts: [part] }
}

await t.test('every schema is one: the gateway takes them as they are', (t) => {
  const files = readdirSync('schemas', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.schema.json'),
  )
  t.ok(files.length > 40, `${files.length} schemas`)
  const ajv = new Ajv2020({ strict: false })
  for (const file of files) {
    t.equal(ajv.validateSchema(JSON.parse(readFileSync(`schemas/${file}`, 'utf8')) as object), true, file)
  }
  t.end()
})

await t.test('the golden application is valid, flat and in parts', (t) => {
  t.strictSame(application(golden()), [])
  t.strictSame(application(inParts()), [])
  t.end()
})

await t.test('an application is flat or in parts, never both', (t) => {
  const faults = application({ ...inParts(), mortgage: golden()['mortgage'] })
  t.match(faults, [{ pointer: '/mortgage', code: 'field-not-allowed' }])
  t.end()
})

await t.test('each kind of wrong value is found where it is', (t) => {
  const cases: [string, unknown, string, string][] = [
    ['/bankReference', undefined, '/bankReference', 'field-missing'],
    ['/bankReference', '-a', '/bankReference', 'format-wrong'],
    ['/bankReference', 'a'.repeat(65), '/bankReference', 'length-wrong'],
    ['/businessType', 'mortgage-transfer', '/businessType', 'value-not-in-list'],
    ['/appliedAt', '2026-11-09T09:18:00', '/appliedAt', 'format-wrong'],
    ['/appliedAt', 1762651080, '/appliedAt', 'type-wrong'],
    ['/surprise', 1, '/surprise', 'field-unknown'],
    ['/parties/1/surprise', 1, '/parties/1/surprise', 'field-unknown'],
    ['/parties/1/name', '', '/parties/1/name', 'length-wrong'],
    ['/parties/1/name', '柯\u0000明', '/parties/1/name', 'format-wrong'],
    ['/parties/1/name', '柯\ud842明', '/parties/1/name', 'format-wrong'],
    ['/parties/1/name', '柯'.repeat(201), '/parties/1/name', 'length-wrong'],
    ['/parties/1/idType', 'driving-licence', '/parties/1/idType', 'value-not-in-list'],
    ['/parties/1/share', undefined, '/parties/1/share', 'field-missing'],
    ['/parties/1/share', '0.6', '/parties/1/share', 'format-wrong'],
    ['/parties/1/coOwnership', 'sole', '/parties/1/share', 'field-not-allowed'],
    ['/parties/1/smallEnterprise', true, '/parties/1/smallEnterprise', 'field-not-allowed'],
    ['/parties/0/agent', { name: 'a', idType: 'passport', idNumber: '1' }, '/parties/0/agent', 'field-not-allowed'],
    ['/parties', [], '/parties', 'length-wrong'],
    ['/properties', [], '/properties', 'length-wrong'],
    ['/properties/0/unitNumber', '420222 001003GB00057F00120031', '/properties/0/unitNumber', 'format-wrong'],
    ['/properties/0/unitNumber', '420222001003GB00057W00120031', '/properties/0/unitNumber', 'format-wrong'],
    ['/properties/0/areaUnit', undefined, '/properties/0/areaUnit', 'field-missing'],
    ['/mortgage/maximumAmount', 1286543.21, '/mortgage/maximumAmount', 'type-wrong'],
    ['/mortgage/maximumAmount', '1286543.210', '/mortgage/maximumAmount', 'format-wrong'],
    ['/mortgage/maximumAmount', '01286543.21', '/mortgage/maximumAmount', 'format-wrong'],
    ['/mortgage/maximumAmount', '1,286,543.21', '/mortgage/maximumAmount', 'format-wrong'],
    ['/mortgage/maximumAmount', '-1', '/mortgage/maximumAmount', 'format-wrong'],
    ['/mortgage/maximumAmount', undefined, '/mortgage/maximumAmount', 'field-missing'],
    ['/mortgage/securedAmount', '1.00', '/mortgage/securedAmount', 'field-not-allowed'],
    ['/mortgage/kind', 'ordinary', '/mortgage/securedAmount', 'field-missing'],
    ['/mortgage/determinationPeriod/from', '2026-02-30', '/mortgage/determinationPeriod/from', 'format-wrong'],
    ['/mortgage/rank', 0, '/mortgage/rank', 'out-of-range'],
    ['/mortgage/rank', '1', '/mortgage/rank', 'type-wrong'],
    ['/mortgage/transferRestricted', 'true', '/mortgage/transferRestricted', 'type-wrong'],
    ['/materials/0/id', '01A1BDDB-0550-78FB-8BF3-5D2979D4FEC1', '/materials/0/id', 'format-wrong'],
    ['/materials/0/name', '../申请书', '/materials/0/name', 'format-wrong'],
    ['/materials/0/checkedAt', undefined, '/materials/0/checkedAt', 'field-missing'],
    ['/materials/0/parts', [1], '/materials/0/parts', 'field-not-allowed'],
    ['/delivery/method', 'post', '/delivery/address', 'field-missing'],
  ]
  for (const [pointer, value, at, code] of cases) {
    const faults = application(changed(pointer, value))
    t.ok(
      faults.some((fault) => fault.pointer === at && fault.code === code),
      `${pointer} = ${JSON.stringify(value)?.slice(0, 40) ?? 'absent'}: ${at} ${code}; found ${JSON.stringify(faults.map((f) => [f.pointer, f.code]))}`,
    )
  }
  t.end()
})

await t.test('a filing without a mortgagor, or with a person as mortgagee, is found', (t) => {
  const parties = golden()['parties'] as Document[]
  t.match(application(changed('/parties', [parties[0], parties[3]])), [{ pointer: '/parties', code: 'item-missing' }])
  t.match(application(changed('/parties/0/kind', 'person')), [
    { pointer: '/parties/0/kind', code: 'value-not-in-list' },
  ])
  t.end()
})

await t.test('the normalised golden application is a valid case document', (t) => {
  const document = normalise(golden() as unknown as Application, '420222261109000002', {
    file: () => ({ mediaType: 'application/pdf', sizeBytes: 26, digest: { algorithm: 'sm3', value: 'a'.repeat(64) } }),
    operatorName: () => '经办员甲',
  })
  t.strictSame(validator('case')(document), [])
  t.end()
})

await t.test('the golden events are valid', (t) => {
  const { cases } = JSON.parse(readFileSync('test/messages/canonical-events.json', 'utf8')) as { cases: Document[] }
  t.equal(cases.length, 3)
  for (const { events } of cases) t.strictSame(validator('events')({ events }), [])
  t.end()
})

await t.test('nothing in an application is open or unbounded', (t) => {
  const schema = JSON.parse(readFileSync('schemas/canonical/application.schema.json', 'utf8')) as Document
  for (const [pointer, node] of nodesOf(schema, '')) {
    if (node['type'] === 'object') t.equal(node['additionalProperties'], false, `${pointer} is closed`)
    if (node['type'] === 'array') t.type(node['maxItems'], 'number', `${pointer} has a maximum of items`)
    if (node['type'] === 'integer') t.type(node['maximum'], 'number', `${pointer} has a maximum`)
    if (node['type'] === 'string') {
      const isBounded = node['enum'] !== undefined || node['format'] === 'date' || typeof node['maxLength'] === 'number'
      t.ok(isBounded, `${pointer} has a maximum length`)
    }
  }
  t.end()
})

await t.test('every schema says its own name', (t) => {
  for (const folder of readdirSync('schemas')) {
    // Examples are documents, not schemas.
    if (folder === 'examples') continue
    for (const file of readdirSync(`schemas/${folder}`)) {
      const schema = JSON.parse(readFileSync(`schemas/${folder}/${file}`, 'utf8')) as Document
      t.equal(schema['$id'], `${folder}/${file}`)
    }
  }
  t.end()
})

await t.test('src/base/canonical.ts is what the schemas say', async (t) => {
  t.equal(
    readFileSync('src/base/canonical.ts', 'utf8') === (await canonicalTypes()),
    true,
    'npm run types makes it anew',
  )
  t.equal(
    readFileSync('clients/typescript/src/application.ts', 'utf8') === (await clientTypes()),
    true,
    'the example client’s too',
  )
})

function nodesOf(node: unknown, pointer: string): [string, Document][] {
  if (Array.isArray(node)) return node.flatMap((one, index) => nodesOf(one, `${pointer}/${index}`))
  if (typeof node !== 'object' || node === null) return []
  return [
    [pointer, node as Document],
    ...Object.entries(node).flatMap(([name, value]) => nodesOf(value, `${pointer}/${name}`)),
  ]
}
