import { createHash } from 'node:crypto'
import t from 'tap'
import type { Rows } from '../../src/db/batch.ts'
import type { RowSet } from '../../src/db/row-set.ts'
import { isSafeActor, isSafePath, isSafeText } from '../../src/trace/clear-facts.ts'
import { openCommitments, type Sealer } from '../../src/trace/commitments.ts'
import { type Act, type TraceRecord, traceRecord } from '../../src/trace/record.ts'

const sm3 = (...parts: Buffer[]): Buffer => createHash('sm3').update(Buffer.concat(parts)).digest()

/** Turns every bit and remembers where: enough to see what goes through it. */
const flip = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff))
const contexts: string[] = []
const sealer: Sealer = {
  seal: (plain, context) => {
    contexts.push(context)
    return flip(plain)
  },
  open: flip,
}
const blindIndex = (value: string): Buffer => sm3(Buffer.from(`key${value}`))
const record = (act: Partial<Act>): TraceRecord =>
  traceRecord(
    { type: 'application-received', at: new Date('2026-11-09T01:18:00.123Z'), ...act },
    { sealer, blindIndex },
  )

function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return String(error)
  }
  return ''
}

type Row = Record<string, unknown>

function rowsOf(traced: TraceRecord): Map<string, Row[]> {
  const rows = new Map<string, Row[]>()
  const collect: Rows = {
    add: <R>(set: RowSet<R>, ...added: R[]) => {
      rows.set(set.name, [...(rows.get(set.name) ?? []), ...(added as Row[])])
    },
    afterCommit: () => undefined,
  }
  traced.addTo(collect)
  return rows
}

const rowOf = (traced: TraceRecord): Row => rowsOf(traced).get('insert trace_record')?.[0] ?? {}
const bytesOf = (traced: TraceRecord): Buffer => rowOf(traced)['bytes'] as Buffer

const full: Partial<Act> = {
  actors: { bankId: '01a1bdbb-bd80-7a82-aa9f-515ed3d7a146', operator: 'yx-sub-0031' },
  caseId: '01a1bdbb-bd80-7a82-aa9f-515ed3d7a147',
  rule: 'access.business-type',
  outcome: 'allowed',
  facts: { parts: 1, businessNumber: '420222261109000317', area: '420222', dueAt: new Date(0), kinds: ['a', 'b'] },
  personal: {
    'parties[1].name': '柯𠮷明',
    'parties[1].idNumber': '42022219030512001X',
    'parties[0].unit': '420222001001GB00001F00010001',
    'parties[1].phone': undefined,
  },
  subjects: ['42022219030512001X', '420222001001GB00001F00010001', '42022219030512001X', undefined],
}

await t.test('the bytes of a record are canonical JSON in the form that stays for ever', (t) => {
  const traced = record(full)
  const parsed = JSON.parse(bytesOf(traced).toString()) as { commitments: { path: string; sm3: string }[] }
  t.equal(
    bytesOf(traced).toString(),
    `{"actors":{"bankId":"01a1bdbb-bd80-7a82-aa9f-515ed3d7a146","operator":"yx-sub-0031"},` +
      `"at":"2026-11-09T01:18:00.123Z","caseId":"01a1bdbb-bd80-7a82-aa9f-515ed3d7a147",` +
      `"commitments":[${parsed.commitments.map(({ path, sm3 }) => `{"path":"${path}","sm3":"${sm3}"}`).join(',')}],` +
      `"facts":{"area":"420222","businessNumber":"420222261109000317","dueAt":"1970-01-01T00:00:00.000Z",` +
      `"kinds":["a","b"],"parts":1},"id":"${traced.id}","outcome":"allowed","rule":"access.business-type",` +
      `"type":"application-received","version":1}`,
  )
  t.strictSame(
    parsed.commitments.map(({ path }) => path),
    ['parties[0].unit', 'parties[1].idNumber', 'parties[1].name'],
  )
  t.end()
})

await t.test('the leaf hash and the receipt are those of the bytes', (t) => {
  const traced = record(full)
  const expected = sm3(Buffer.from([0]), bytesOf(traced))
  t.strictSame(traced.leafHash, expected)
  t.equal(traced.receipt, `sm3=:${expected.toString('base64')}:`)
  t.strictSame(rowsOf(traced).get('insert trace_pending'), [{ id: traced.id, leaf_hash: expected }])
  t.end()
})

await t.test('each commitment opens with its own salt and value, and with no other', (t) => {
  const traced = record(full)
  const { secrets } = rowOf(traced) as { secrets: Buffer }
  t.equal(contexts.at(-1), `trace_record/secrets/${traced.id}`)
  const openings = openCommitments(bytesOf(traced), flip(secrets))
  t.strictSame(
    openings.map(({ path, value }) => [path, value]),
    [
      ['parties[0].unit', '420222001001GB00001F00010001'],
      ['parties[1].idNumber', '42022219030512001X'],
      ['parties[1].name', '柯𠮷明'],
    ],
  )
  const { commitments } = JSON.parse(bytesOf(traced).toString()) as { commitments: { path: string; sm3: string }[] }
  for (const [i, { salt, value }] of openings.entries()) {
    t.equal(salt.length, 32)
    t.equal(commitments[i]?.sm3, sm3(salt, Buffer.from(value)).toString('hex'))
  }
  t.equal(new Set(openings.map(({ salt }) => salt.toString('hex'))).size, 3)
  const wrong = Buffer.from(flip(secrets).toString().replace('柯𠮷明', '柯吉明'))
  t.throws(() => openCommitments(bytesOf(traced), wrong), /parties\[1\]\.name/)
  t.strictSame(openCommitments(bytesOf(traced), null), [])
  t.end()
})

await t.test('equal values of two records have different commitments', (t) => {
  const hashOf = (): unknown => (JSON.parse(bytesOf(record(full)).toString()) as { commitments: unknown }).commitments
  t.notSame(hashOf(), hashOf())
  t.end()
})

await t.test('no personal value stands in any clear column', (t) => {
  const rows = rowsOf(record(full))
  const text = JSON.stringify([...rows.values()].flat(), (key, value: unknown) => (key === 'secrets' ? null : value))
  const clear = Buffer.concat([bytesOf(record(full)), Buffer.from(text)]).toString()
  for (const value of ['柯𠮷明', '42022219030512001X', '420222001001GB00001F00010001']) {
    t.notMatch(clear, value)
    t.notMatch(clear, Buffer.from(value).toString('base64'))
  }
  t.end()
})

await t.test('a record without personal values seals nothing', (t) => {
  const traced = record({ facts: { count: 3 } })
  t.equal(rowOf(traced)['secrets'], null)
  t.strictSame(rowsOf(traced).get('insert trace_subject'), [])
  t.end()
})

await t.test('subjects are found by the day in Shanghai and the blind index, each once', (t) => {
  const traced = record({ ...full, at: new Date('2026-11-09T16:00:00Z') })
  t.strictSame(rowsOf(traced).get('insert trace_subject'), [
    { day: '2026-11-10', blind: blindIndex('42022219030512001X'), record_id: traced.id },
    { day: '2026-11-10', blind: blindIndex('420222001001GB00001F00010001'), record_id: traced.id },
  ])
  t.end()
})

await t.test('a fact that could name a person or a property is refused, and not repeated in the error', (t) => {
  const unsafe = [
    '柯𠮷明',
    'Zhang San',
    '42022219030512001X',
    '420222190305120017',
    '420222850305123',
    '13000000011',
    '0714-0000001',
    '420222001001GB00001F00010001',
    '鄂(2026)阳新县不动产证明第0000001号',
    '',
    'a'.repeat(121),
    '19850305',
  ]
  for (const value of unsafe) {
    t.equal(isSafeText(value), false, value)
    t.throws(() => record({ facts: { value } }), { message: /^fact value of a trace record/ })
    t.throws(() => record({ facts: { value: [value] } }))
    t.throws(() => record({ outcome: value }), { message: /^outcome of a trace record/ })
    if (value !== '')
      t.notMatch(
        refusalOf(() => record({ facts: { value } })),
        value,
      )
  }
  for (const value of [13000000011, 4e17, 1.5, Number.NaN]) {
    t.throws(() => record({ facts: { value } }), { message: /^fact value/ })
  }
  t.throws(() => record({ facts: { 柯: 1 } }))
  t.throws(() => record({ personal: { 柯𠮷明: 'x' } }))
  t.end()
})

await t.test("the gateway's own words and numbers are taken", (t) => {
  const safe = [
    'mortgage-first',
    'access.business-type',
    '420222',
    '420222261109000317',
    '42022226110900031701',
    '01a1bdbb-bd80-7a82-aa9f-515ed3d7a146',
    'a'.repeat(64),
    '2026-11-09T09:18:00+08:00',
    'registry.submit',
    '10.0.0.1',
    '2001:db8::1',
  ]
  for (const value of safe) t.equal(isSafeText(value), true, value)
  t.equal(isSafePath('/parties/0/name'), true)
  t.equal(isSafePath('parties[0].idNumber'), true)
  t.equal(isSafeActor('00123456'), true)
  t.end()
})

await t.test("an operator's code that could be a phone or an id number is committed to", (t) => {
  for (const operator of ['13000000011', '42022219030512001X', '经办员甲']) {
    const traced = record({ actors: { operator } })
    t.notMatch(bytesOf(traced).toString(), operator)
    const opened = openCommitments(bytesOf(traced), flip(rowOf(traced)['secrets'] as Buffer))
    t.match(opened, [{ path: 'actors.operator', value: operator }])
  }
  t.end()
})

await t.test('a personal value that also stands in a fact is refused', (t) => {
  t.throws(() => record({ facts: { note: 'by-zhangsan-self' }, personal: { name: 'zhangsan' } }), {
    message: /^the personal value name stands/,
  })
  t.doesNotThrow(() => record({ facts: { at: new Date(0) }, personal: { from: '1970-01-01' } }), 'a moment is no leak')
  t.doesNotThrow(() => record({ facts: { step: 'part-1' }, personal: { share: '1' } }), 'short values occur by chance')
  t.end()
})
