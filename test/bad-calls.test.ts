import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type ProblemCode, problems } from '../src/base/problem-catalogue.ts'
import type { BankAnswer, BankCall } from '../src/sandbox/bank-client.ts'
import type { SampleApplication } from '../src/sandbox/sample-case.ts'
import { sampleMortgageFirst } from '../src/sandbox/sample-mortgage-first.ts'
import { receiptText } from '../src/trace/record.ts'
import {
  BODY_LIMIT,
  MATERIAL_LIMIT,
  openRefusalBench,
  pdf,
  plainCall,
  type RefusalBench,
  STOPPED_OPERATOR,
} from './support/refusal-bench.ts'
import { OPERATOR } from './support/world.ts'
import { wrongValues } from './support/wrong-values.ts'

/** Names, numbers and addresses of the sample's people and property. */
const personal = sampleMortgageFirst.parties
  .flatMap((party) => [
    party.name,
    party.idNumber,
    party.phone,
    party.address,
    ...('agent' in party ? [party.agent.name, party.agent.idNumber, party.agent.phone] : []),
  ])
  .concat(
    sampleMortgageFirst.properties.flatMap((one) => [one.unitNumber, one.certificateNumber, one.location]) as never[],
  )

type Test = Pick<typeof t, 'equal' | 'match' | 'strictSame'>
type Traced = 'one' | 'counted' | 'neither'
interface BadCall {
  name: string
  call: () => Promise<BankAnswer>
  code: ProblemCode
  /** One by one, as the signature verified; counted before that; neither where no channel has the call yet. */
  traced: Traced
  faults?: [pointer: string, code: string][]
}

const of = (traced: Traced) => (name: string, code: ProblemCode, call: BadCall['call']) => ({
  name,
  code,
  call,
  traced,
})
const one = of('one')
const counted = of('counted')
const nowSeconds = (): number => Math.floor(Date.now() / 1000)
const covering = (...names: string[]) => ['@method', '@target-uri', ...names]

await t.test('a bad call is refused by its own code, traced or counted, and takes no effect', async (t) => {
  const bench = await openRefusalBench(t)
  const [certificate] = (await bench.bank.listCertificates(bench.caseId)).json()['certificates'] as { number: string }[]
  for (const bad of badCalls(bench, String(certificate?.number))) {
    await t.test(`${bad.name}: ${bad.code}`, (t) => holdsFor(t, bad, bench))
  }
  t.equal((await bench.bank.submitApplication(bench.fresh())).status, 202, 'the good call is still taken')
})

async function holdsFor(
  t: Test,
  { call, code, traced, faults = [] }: BadCall,
  { standing }: RefusalBench,
): Promise<void> {
  const before = await standing()
  const answer = await call()
  const body = answer.json()
  const { status, retry, title, titleEn } = problems[code]
  t.match({ ...body, httpStatus: answer.status }, { httpStatus: status, status, code, retry, title, titleEn })
  t.match(body, { type: `/problems/${code}`, detail: /\p{Script=Han}/u, detailEn: /^\P{Script=Han}+$/u })
  t.match(body['traceId'], /^[0-9a-f-]{36}$/)
  t.strictSame(
    ((body['faults'] ?? []) as { pointer: string; code: string }[]).map((fault) => [fault.pointer, fault.code]),
    faults,
    'every fault, and no other',
  )
  for (const fault of (body['faults'] ?? []) as Record<string, string>[]) {
    t.match(fault, { detail: /\p{Script=Han}/u, detailEn: /[a-z]/ })
  }
  t.strictSame(
    personal.filter((value) => answer.body.includes(value)),
    [],
    'nothing of the persons is told',
  )

  const after = await standing()
  const { records, ...things } = after
  const { records: known, ...thingsBefore } = before
  t.strictSame(things, { ...thingsBefore, counts: things.counts }, 'nothing took effect')
  const expected = { ...before.counts }
  if (traced === 'counted') expected[code] = (expected[code] ?? 0) + 1
  t.strictSame(things.counts, expected, traced === 'counted' ? 'counted once' : 'not counted')
  const fresh = records.filter(({ id }) => !known.some((record) => record.id === id))
  t.equal(fresh.length, traced === 'one' ? 1 : 0, traced === 'one' ? 'traced once' : 'not traced')
  t.equal(answer.verified, traced === 'one', 'signed if the call was')
  const [record] = fresh
  if (record === undefined) return
  t.match(JSON.parse(record.bytes.toString()), {
    type: 'request-refused',
    outcome: code,
    rule: body['rule'] ?? code,
    facts: { requestId: body['traceId'] },
  })
  t.equal(answer.receipt, receiptText(record.leaf_hash), 'the receipt is that of its record')
}

function badCalls(
  { world, bank, clients, application, key, caseId, theirs, fresh }: RefusalBench,
  number: string,
): BadCall[] {
  const own = `/v1/applications/${caseId}`
  const file = (more: Partial<BankCall> = {}, body: BankCall['body'] = JSON.stringify(fresh())) =>
    bank.call({ method: 'POST', path: '/v1/applications', body, ...more })
  const read = (tamper: NonNullable<BankCall['tamper']>) => bank.getApplication(caseId, { tamper })
  const upload = (bytes: Buffer, more: Partial<BankCall> = {}) =>
    bank.uploadMaterial({ bytes, contentType: 'application/pdf' }, more)
  const unsigned = (headers: string[], path = own) => plainCall(world.gateway.url, path, headers)
  const nonce = randomUUID()

  return [
    // the signature: before it has verified
    counted('no signature', 'signature-missing', () => unsigned(['x-operator', OPERATOR])),
    counted('a signature without its input', 'signature-missing', () =>
      read({ headers: { 'signature-input': undefined } }),
    ),
    counted('a signature that is no byte sequence', 'signature-malformed', () =>
      read({ headers: { signature: 'sig1=abc' } }),
    ),
    counted('two signatures', 'signature-malformed', () =>
      unsigned(['signature-input', 'a=(), b=()', 'signature', 'a=::']),
    ),
    counted('a parameter missing', 'signature-parameter-missing', () =>
      read({ headers: { 'signature-input': `sig1=("@method");created=${nowSeconds()};alg="sm2-sm3"` } }),
    ),
    counted('a short nonce', 'signature-malformed', () => read({ nonce: 'short' })),
    counted('a byte of the signature changed', 'signature-invalid', () => read({ signature: flipped })),
    counted('a signature cut short', 'signature-invalid', () => read({ signature: (bytes) => bytes.subarray(0, 63) })),
    counted('signed for another path', 'signature-invalid', () => read({ path: `${own}/events` })),
    counted('signed for another operator', 'signature-invalid', () =>
      read({ headers: { 'x-operator': STOPPED_OPERATOR } }),
    ),
    counted('an algorithm that there is not', 'signature-algorithm-unsupported', () => read({ alg: 'hmac-sha256' })),
    counted('an algorithm that is not that of the key', 'signature-algorithm-unfit', () =>
      read({ alg: 'rsa-v1_5-sha256' }),
    ),
    counted('created too long ago', 'signature-created-outside-window', () => read({ created: nowSeconds() - 400 })),
    counted('created in the future', 'signature-created-outside-window', () => read({ created: nowSeconds() + 400 })),
    counted('a certificate that nobody registered', 'certificate-unknown', () => read({ keyid: '0'.repeat(64) })),
    counted('@method not covered', 'signature-component-missing', () =>
      read({ components: ['@target-uri', 'x-operator'] }),
    ),
    counted('@target-uri not covered', 'signature-component-missing', () =>
      read({ components: ['@method', 'x-operator'] }),
    ),
    counted('x-operator not covered', 'signature-component-missing', () => read({ components: covering() })),
    ...['content-digest', 'content-type', 'idempotency-key'].map((missing) =>
      counted(`${missing} not covered`, 'signature-component-missing', () => {
        const all = ['content-digest', 'content-type', 'idempotency-key', 'x-operator']
        return file({ tamper: { components: covering(...all.filter((name) => name !== missing)) } })
      }),
    ),
    counted('a header covered that is not there', 'signature-component-absent', () =>
      read({ headers: { 'x-operator': undefined } }),
    ),
    counted('a header twice', 'header-repeated', () =>
      unsigned(['x-operator', OPERATOR, 'x-operator', STOPPED_OPERATOR]),
    ),
    counted('a body without a digest', 'digest-missing', () =>
      file({ tamper: { headers: { 'content-digest': undefined } } }),
    ),
    counted('a digest that is no byte sequence', 'digest-malformed', () => file({ tamper: { digest: 'sha-256=abc' } })),
    counted('a digest of another kind', 'digest-algorithm-unsupported', () =>
      file({ tamper: { digest: 'md5=:AAAA:' } }),
    ),
    counted('an unsigned call of an address that is not there', 'signature-missing', () => unsigned([], '/v1/nothing')),
    { ...of('neither')('an address outside the API', 'route-not-found', () => unsigned([], '/v2/codes')) },
    { ...of('neither')('an address that cannot be read', 'request-malformed', () => unsigned([], '/v1/codes/%ZZ')) },

    // what the signature covers
    one('a nonce used before', 'nonce-repeated', async () => {
      const created = nowSeconds()
      t.equal((await bank.getApplication(caseId, { tamper: { nonce, created } })).status, 200)
      return bank.getApplication(caseId, { tamper: { nonce, created } })
    }),
    one('a byte of the body changed', 'digest-mismatch', () => file({ tamper: { body: flipped } })),
    one('a byte of a retry changed', 'digest-mismatch', () =>
      bank.submitApplication(application, { idempotencyKey: key, tamper: { body: flipped } }),
    ),
    one('a digest of other bytes', 'digest-mismatch', () =>
      file({ tamper: { digest: `sha-256=:${Buffer.alloc(32).toString('base64')}:` } }),
    ),

    // the certificate
    one('an expired certificate', 'certificate-expired', () => clients.expired.getApplication(caseId)),
    one('a certificate of next year', 'certificate-not-yet-valid', () => clients.early.getApplication(caseId)),
    one('a certificate for encryption', 'certificate-usage-wrong', () => clients.encrypting.getApplication(caseId)),
    one('a certificate of an unknown CA', 'certificate-untrusted', () => clients.homemade.getApplication(caseId)),
    one('the certificate of another bank', 'certificate-bank-mismatch', () => clients.stolen.getApplication(caseId)),
    one('a suspended certificate', 'certificate-suspended', () => clients.stoppedCertificate.getApplication(caseId)),

    // access
    one('a suspended account', 'account-suspended', () => clients.stopped.getApplication(caseId)),
    one('a suspended bank', 'bank-suspended', () => clients.stoppedBank.getApplication(caseId)),
    one('an agreement that ended', 'agreement-not-in-force', () => clients.lapsedBank.getApplication(caseId)),
    one('an account past its validity', 'account-not-valid', () => clients.lapsed.getApplication(caseId)),
    one('no operator', 'operator-missing', () => bank.getApplication(caseId, { operator: null })),
    one('an unknown operator', 'operator-unknown', () => bank.getApplication(caseId, { operator: 'yx-sub-9999' })),
    one('an operator that has no name', 'operator-unknown', () => bank.getApplication(caseId, { operator: '' })),
    one('an id number for an operator', 'operator-unknown', () =>
      bank.getApplication(caseId, { operator: '42022219030512001X' }),
    ),
    one('a suspended operator', 'operator-suspended', () => clients.stoppedOperator.getApplication(caseId)),
    one("another bank's case", 'case-not-found', () => clients.other.getApplication(caseId)),
    one("another bank's events", 'case-not-found', () => clients.other.getEvents(caseId)),
    one("another bank's certificates", 'case-not-found', () => clients.other.listCertificates(caseId)),
    one("another bank's certificate", 'case-not-found', () => clients.other.downloadCertificate(caseId, number)),
    one("another bank's material", 'material-not-found', () =>
      bank.call({ method: 'GET', path: `/v1/materials/${theirs.materials[0]?.id}` }),
    ),
    one('a material id that is none', 'material-not-found', () =>
      bank.call({ method: 'GET', path: `/v1/materials/${'-'.repeat(36)}` }),
    ),
    one('a case that never was', 'case-not-found', () => bank.getApplication(randomUUID())),
    one('a case id that is none', 'case-not-found', () => bank.getApplication("'; drop table cases; --")),
    one('a certificate that the case has not', 'certificate-not-found', () =>
      bank.downloadCertificate(caseId, '鄂(2019)阳新县不动产证明第9999999号'),
    ),
    one('a business type not granted', 'business-type-not-granted', () => clients.querying.submitApplication(fresh())),
    one('a business type of another schema', 'business-type-not-offered', () =>
      clients.everything.submitApplication({ ...fresh(), businessType: 'mortgage-cancel' }),
    ),
    one('a business type of another schema, not granted', 'business-type-not-granted', () =>
      bank.submitApplication({ ...fresh(), businessType: 'mortgage-cancel' }),
    ),
    one('an area not granted', 'area-not-granted', () => clients.elsewhere.submitApplication(fresh())),
    {
      ...one("another bank's material in an application", 'business-rule-violated', () =>
        bank.submitApplication({ ...fresh(), materials: swapFirst(application, theirs) }),
      ),
      faults: [['/materials/0/id', 'material-unknown']],
    },

    // once
    one('no idempotency key', 'idempotency-key-missing', () => file({ idempotencyKey: null })),
    one('a short idempotency key', 'idempotency-key-invalid', () => file({ idempotencyKey: 'short' })),
    one('an idempotency key with a blank', 'idempotency-key-invalid', () =>
      file({ idempotencyKey: 'one key too many' }),
    ),
    one('an idempotency key of another body', 'idempotency-conflict', () => file({ idempotencyKey: key })),
    {
      ...one('a bank reference used before', 'bank-reference-used', () => bank.submitApplication(application)),
      faults: [['/bankReference', 'bank-reference-used']],
    },

    // the body
    one('an empty body', 'request-malformed', () => file({}, Buffer.alloc(0))),
    one('no JSON', 'request-malformed', () => file({}, '{"bankReference":')),
    one('a double key', 'request-malformed', () =>
      file({}, JSON.stringify(fresh()).replace('{', '{"bankReference":"ED-1",')),
    ),
    one('bytes that are no UTF-8', 'request-malformed', () => file({}, Buffer.from([0x22, 0xb0, 0xa1, 0x22]))),
    one('a byte order mark', 'request-malformed', () => file({}, `\uFEFF${JSON.stringify(fresh())}`)),
    one('half of a surrogate pair', 'request-malformed', () =>
      file({}, JSON.stringify({ ...fresh(), remarks: '?' }).replace('"?"', '"\\ud842"')),
    ),
    one('NUL in a text', 'request-malformed', () =>
      file({}, JSON.stringify({ ...fresh(), remarks: '?' }).replace('"?"', '"\\u0000"')),
    ),
    one('a thousand levels', 'request-malformed', () => file({}, '['.repeat(1000) + ']'.repeat(1000))),
    one('a body over the limit', 'body-too-large', () => file({}, Buffer.alloc(BODY_LIMIT + 1, ' '))),
    one('a body that is no JSON by its type', 'media-type-unsupported', () => file({ contentType: 'application/xml' })),
    { ...one('a list for the application', 'message-invalid', () => file({}, '[]')), faults: [['', 'type-wrong']] },
    {
      ...one('a member named __proto__', 'message-invalid', () =>
        file({}, JSON.stringify(fresh()).replace('{', '{"__proto__":{"a":1},')),
      ),
      faults: [['/__proto__', 'field-unknown']],
    },

    // materials
    one('an empty material', 'material-empty', () => upload(Buffer.alloc(0))),
    one('a PDF that is a picture', 'material-type-mismatch', () => upload(Buffer.from('ffd8ffe000104a464946', 'hex'))),
    one('a material of no type that is taken', 'material-type-refused', () =>
      upload(Buffer.from('MZ'), { contentType: 'application/x-msdownload' }),
    ),
    one('a material over the limit', 'body-too-large', () => upload(pdf(MATERIAL_LIMIT + 1))),
    one('a byte of the material changed', 'digest-mismatch', () => upload(pdf(9000), { tamper: { body: flipped } })),
    one('a material without an idempotency key', 'idempotency-key-missing', () =>
      upload(pdf(9), { idempotencyKey: null }),
    ),

    // addresses
    one('an address that is not there', 'route-not-found', () => bank.call({ method: 'GET', path: '/v1/nothing' })),
    ...['DELETE', 'PUT', 'POST'].map((method) =>
      one(`${method} where there is only GET`, 'method-not-allowed', async () => {
        const answer = await bank.call({ method, path: own, body: '{}' })
        t.equal(answer.headers['allow'], 'GET, HEAD')
        return answer
      }),
    ),
    one('PUT of a file of materials', 'method-not-allowed', () =>
      bank.call({ method: 'PUT', path: '/v1/materials', body: pdf(9), contentType: 'application/pdf' }),
    ),
    one('a code table that is not there', 'code-table-not-found', () =>
      bank.call({ method: 'GET', path: '/v1/codes/colours' }),
    ),
    one('a page of nothing', 'request-malformed', () => bank.call({ method: 'GET', path: `${own}/events?limit=0` })),
    one('a page over the limit', 'request-malformed', () =>
      bank.call({ method: 'GET', path: `${own}/events?limit=501` }),
    ),
    one('a cursor that is no number', 'request-malformed', () =>
      bank.call({ method: 'GET', path: `${own}/events?after=-1` }),
    ),
    one('a parameter twice', 'request-malformed', () =>
      bank.call({ method: 'GET', path: `${own}/events?after=1&after=2` }),
    ),

    // each kind of field
    ...wrongValues.map(({ name, change, code, faults }): BadCall => {
      const wrong = fresh()
      change(wrong)
      return { name: `application: ${name}`, code, traced: 'one', faults, call: () => bank.submitApplication(wrong) }
    }),
  ]
}

function swapFirst(mine: SampleApplication, others: SampleApplication): SampleApplication['materials'] {
  return mine.materials.map((material, i) =>
    i === 0 ? Object.assign({}, material, { id: others.materials[0]?.id ?? '' }) : material,
  )
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[9] = (copy[9] ?? 0) ^ 1
  return copy
}
