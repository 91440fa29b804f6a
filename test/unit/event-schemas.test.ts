import t from 'tap'
import { eventTypes } from '../../src/bank/api/event-types.ts'
import { applyFacts, type CaseMeans } from '../../src/cases/apply.ts'
import { addBankEvent } from '../../src/cases/bank-events.ts'
import { type Fact, type FactName, factNames } from '../../src/cases/facts.ts'
import { fileCase } from '../../src/cases/file-case.ts'
import { initialState } from '../../src/cases/state.ts'
import { type CaseHold, caseInserts, type EventRow, eventInserts } from '../../src/cases/store.ts'
import type { Rows } from '../../src/db/batch.ts'
import type { CaseStreams } from '../../src/delivery/case-streams.ts'
import { SchemaComponents } from '../../src/http/openapi/schemas.ts'
import { Documented, type Node, there } from '../support/documented.ts'
import { defaultRules, goldenCase } from '../support/golden-case.ts'

const components = new SchemaComponents(['schemas/canonical', 'schemas/api'])
components.reference('event')
components.reference('events')
const document = { components: { schemas: components.all() } }
const documented = new Documented(document)
const faultsOf = (schema: string, value: unknown) => documented.against(['components', 'schemas', schema], value)

// Nothing is sealed here: bodies are read as they are written.
const means = {
  rules: defaultRules,
  sealer: { seal: (plain: Buffer) => plain, open: (sealed: Buffer) => sealed },
  clock: { now: () => new Date('2026-11-10T10:00:00+08:00') },
  record: () => ({ addTo: () => undefined, receipt: '' }),
  endpoints: { platform: 'platform', registry: 'registry' },
  pollFirstMs: 0,
} as unknown as CaseMeans
const streams = {
  append: () => undefined,
  release: () => undefined,
  undoOnThrow: (work: () => void) => work(),
} as unknown as CaseStreams
const unit = goldenCase().parts[0]?.properties[0]?.unitNumber ?? ''

function collected(write: (rows: Rows) => void): Node[] {
  const events: EventRow[] = []
  write({
    add: (set, ...rows) => {
      if ((set as unknown) === eventInserts) events.push(...(rows as unknown as EventRow[]))
    },
    afterCommit: () => undefined,
  })
  return events.map(({ sealed }, i) => ({ ...(JSON.parse(sealed.toString()) as Node), cursor: String(i + 1) }))
}

type Schema = Node & { enum?: unknown[]; type?: string; properties?: Record<string, Schema>; items?: Schema }
type Text = Schema & { pattern?: string; format?: string; maxLength?: number }

/** The longest value that a schema takes, all members told. */
function fullest(schema: Schema): unknown {
  const { $ref: reference, enum: words, type, properties = {} } = schema
  if (typeof reference === 'string') return fullest(there(document, ...reference.slice(2).split('/')))
  if (words !== undefined) return words[0]
  if (type === 'object') return Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, fullest(of)]))
  if (type === 'array') return [fullest(schema.items as Schema)]
  if (type === 'boolean') return true
  if (type !== 'string') return schema['maximum'] ?? 1
  const { format, pattern = '', maxLength = 1 } = schema as Text
  if (format !== undefined) return format === 'date' ? '2026-11-10' : '2026-11-10T09:00:00+08:00'
  const forms = ['80.00', '0192f3a4-5b6c-7d8e-9f00-112233445566', '文'.repeat(maxLength), 'a'.repeat(64), '156']
  return forms.find((form) => new RegExp(pattern, 'u').test(form) && form.length <= maxLength)
}

/** Every member that the registry's and the platform's messages can bring, but for what tells how a fact was heard. */
const heard = new Set(['part', 'fact', 'round', 'occurredAt', 'saidBy', 'reportedIn', 'messageId', 'registryNumber'])
const { properties: members } = there(document, 'components', 'schemas', 'events.event') as Schema
const content = Object.fromEntries(
  Object.entries(members ?? {}).flatMap(([name, of]) => (heard.has(name) ? [] : [[name, fullest(of)]])),
) as Omit<Fact, 'part' | 'fact' | 'round' | 'occurredAt' | 'saidBy' | 'reportedIn' | 'messageId'>

function fact(name: FactName, more: Partial<Fact> = {}): Fact {
  return {
    ...content,
    part: 1,
    fact: name,
    round: 1,
    occurredAt: '2026-11-10T09:00:00+08:00',
    saidBy: 'registry',
    reportedIn: 'progress',
    messageId: '420222261109000003',
    registryNumber: '202611090037',
    ...more,
  }
}

const ofUnit = {
  subject: unit,
  unitNumber: unit,
  entry: { ...(content['entry'] as object), unitNumber: unit },
} as unknown as Partial<Fact>

const stories: FactName[][] = [
  [
    'platform-acknowledged',
    'submitted',
    'correction-requested',
    'accepted',
    'review-step',
    'procedure-started',
    'procedure-ended',
    'withdrawal-refused',
    'fee-due',
    'fee-partly-paid',
    'fee-paid',
    'fee-refunding',
    'fee-refunded',
    'recorded',
    'register-entry',
    'certificate-made',
    'certificate-released',
  ],
  ['recorded', 'register-entry', 'fee-paid', 'certificate-made', 'certificate-released'],
  ['not-accepted'],
  ['accepted', 'fee-exempt', 'rejected'],
  ['withdrawn'],
]

await t.test('whatever the registry and the platform can tell, its event is as it is described', async (t) => {
  const seen = new Set<string>()
  for (const story of stories) {
    const filed = goldenCase()
    const hold = {
      id: '0192f3a4-5b6c-7d8e-9f00-112233445566',
      bankId: '0192f3a4-5b6c-7d8e-9f00-112233445567',
      bankReference: filed.bankReference,
      memory: initialState({
        ...filed,
        parts: filed.parts.map((part) => ({ ...part, properties: part.properties.slice(0, 1) })),
      }),
      nextPosition: 1,
      documentVersion: 1,
      completedAt: null,
    } as unknown as CaseHold
    for (const name of story) {
      const saidBy =
        name === 'platform-acknowledged' ? 'platform' : name === 'certificate-released' ? 'gateway' : 'registry'
      const told = fact(name, {
        saidBy,
        ...(name === 'register-entry' || name === 'certificate-made' ? ofUnit : {}),
        ...(name === 'certificate-released' ? { subject: unit } : {}),
        ...(name === 'platform-acknowledged' ? { platformNumber: 'hsbdc02226110900011' } : {}),
      })
      const { platformNumber: _, ...canonical } = told
      t.strictSame(faultsOf('events.event', canonical), [], `${name} can be told so`)
      const events = collected(
        (rows) => void t.strictSame(applyFacts(hold, streams, [told], rows, means), ['applied'], name),
      )
      for (const event of events) {
        seen.add(String(event['type']))
        t.strictSame(faultsOf('event', event), [], `the event ${String(event['type'])}`)
      }
    }
  }
  // What begins a case, and what is about none.
  const filed = { ...goldenCase(), filedBy: { operator: { id: 'yx-sub-0031' } } }
  const filing = {
    caseId: '0192f3a4-5b6c-7d8e-9f00-112233445568',
    document: filed,
    businessNumber: '420222261109000002',
  }
  const others = collected((rows) => {
    fileCase(
      filing as unknown as Parameters<typeof fileCase>[0],
      streams,
      { ...rows, add: (set, ...more) => void ((set as unknown) === caseInserts || rows.add(set, ...more)) },
      means,
    )
    for (const [type, more] of [
      ['query-answered', { state: 'answered' }],
      ['query-failed', { state: 'failed', code: 'registry-unavailable' }],
    ] as const) {
      const queryId = '0192f3a4-5b6c-7d8e-9f00-112233445569'
      addBankEvent(rows, { bankId: queryId, subjectId: queryId, type, body: { queryId, ...more } }, means)
    }
  })
  for (const event of others) {
    seen.add(String(event['type']))
    t.strictSame(faultsOf('event', event), [], `the event ${String(event['type'])}`)
  }
  t.strictSame(
    factNames.filter((name) => !seen.has(name)),
    [],
  )
  // Held to their description by the test of answers, as they need a whole gateway.
  for (const requested of ['withdrawal-requested', 'correction-answered']) seen.add(requested)
  t.strictSame([...seen].sort(), Object.keys(eventTypes).sort())
})
