import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { readDer } from '../src/trust/der.ts'
import { writeOctets, writeOid, writeSequence, writeText } from '../src/trust/der-write.ts'
import { openSm2Pool } from '../src/trust/sm2-pool.ts'
import { openTrustStore, type TrustStore } from '../src/trust/trust-store.ts'
import {
  type CertificateOptions,
  keyCertSign,
  keyEncipherment,
  type TestCertificate,
  testCertificate,
  testExtension,
  testKey,
} from './support/certificates.ts'

const sm2 = openSm2Pool()
const at = new Date('2026-11-09T02:00:00Z')
const uscc = '91420200MA00000001'
const rule = `ca: Test Root
bankCode: { from: subject.serialNumber, pattern: '(?:USCC-)?([0-9A-HJ-NPQRTUWXY]{18})' }
`
const CN = '2.5.4.3'
const serialNumber = '2.5.4.5'
const keys = { root: testKey('p256'), middle: testKey('p256'), leaf: testKey('p256') }

function makeRoot(options: Partial<CertificateOptions> = {}): TestCertificate {
  const subject = [[CN, 'Test Root']] as const
  return testCertificate({ key: keys.root, subject, ca: {}, keyUsage: keyCertSign, ...options })
}

function makeLeaf(issuer: TestCertificate, options: Partial<CertificateOptions> = {}): TestCertificate {
  const subject = [
    [CN, 'Bank gateway client'],
    [serialNumber, uscc],
  ] as const
  return testCertificate({ key: keys.leaf, subject, issuer, ca: false, ...options })
}

const root = makeRoot()

interface World {
  store: TrustStore
  folder: string
  write(name: string, text: string): void
  judge(certificate: TestCertificate | Buffer, when?: Date): Promise<string>
}

function open(t: { teardown(run: () => unknown): unknown }, files: Record<string, string>): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'trust-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  return openTrustStore({ trustDir: folder, sm2, checkIntervalMs: 0 }).then((store) => ({
    store,
    folder,
    write,
    async judge(certificate, when = at) {
      const verdict = await store.judge(Buffer.isBuffer(certificate) ? certificate : certificate.der, when)
      return verdict.ok ? verdict.bankCode : verdict.code
    },
  }))
}

await t.test('a certificate of a trusted CA names its bank, with each kind of key at both ends', async (t) => {
  for (const caKind of ['p256', 'rsa', 'sm2'] as const) {
    const ca = makeRoot({ key: testKey(caKind) })
    const { store, judge } = await open(t, { 'root.pem': ca.pem, 'rule.yaml': rule })
    for (const kind of ['p256', 'rsa', 'sm2'] as const) {
      const leaf = makeLeaf(ca, { key: testKey(kind) })
      t.equal(await judge(leaf), uscc, `${kind} by ${caKind}`)
      const verdict = await store.judge(leaf.der, at)
      if (!verdict.ok) throw new Error(verdict.code)
      t.equal(verdict.publicKey.kind, kind)
      t.equal(verdict.chain.length, 2)
      t.match(verdict.rule, /rule\.yaml$/)
    }
  }
})

await t.test('a certificate that no CA of the store signed is untrusted, whatever it says', async (t) => {
  const { judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  const imposter = makeRoot({ key: testKey('p256') })
  t.equal(await judge(makeLeaf(root)), uscc)
  t.equal(await judge(makeLeaf(imposter)), 'certificate-untrusted', 'the same name, another key')
  t.equal(await judge(makeRoot({ subject: [[CN, 'Other Root']] })), 'certificate-untrusted', 'a root of its own')
  t.equal(await judge(makeLeaf(root, { signWith: keys.leaf })), 'certificate-untrusted', 'signed by itself')
})

await t.test('a bank may not sign certificates with its own, nor a CA below the length of the path', async (t) => {
  const bank = makeLeaf(root)
  const forged = makeLeaf(bank, { key: testKey('p256') })
  const shortRoot = makeRoot({ ca: { pathLength: 0 } })
  const middle = (issuer: TestCertificate, options: Partial<CertificateOptions> = {}): TestCertificate =>
    testCertificate({
      key: keys.middle,
      subject: [[CN, 'Middle CA']],
      issuer,
      ca: {},
      keyUsage: keyCertSign,
      ...options,
    })
  const withMiddle = (ca: TestCertificate, between: TestCertificate) =>
    open(t, { 'root.pem': ca.pem + between.pem, 'rule.yaml': rule })

  const plain = await withMiddle(root, middle(root))
  t.equal(await plain.judge(makeLeaf(middle(root))), uscc, 'through an intermediate')
  t.equal(await plain.judge(forged), 'certificate-untrusted', 'a bank as CA')
  const short = await withMiddle(shortRoot, middle(shortRoot))
  t.equal(await short.judge(makeLeaf(shortRoot)), uscc)
  t.equal(await short.judge(makeLeaf(middle(shortRoot))), 'certificate-untrusted', 'path length 0')
  const unsigning = middle(root, { keyUsage: [0x80, 7] })
  const noSign = await withMiddle(root, unsigning)
  t.equal(await noSign.judge(makeLeaf(unsigning)), 'certificate-untrusted', 'no keyCertSign')
  const constrained = middle(root, { extensions: [testExtension('2.5.29.30', true, writeSequence())] })
  const nameConstraints = await withMiddle(root, constrained)
  t.equal(await nameConstraints.judge(makeLeaf(constrained)), 'certificate-untrusted', 'critical and not understood')
  await t.rejects(open(t, { 'root.pem': root.pem + bank.pem, 'rule.yaml': rule }), /not the certificate of a CA/)
})

await t.test('validity is judged for the time asked, of the certificate and of its CAs', async (t) => {
  const { judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  const leaf = makeLeaf(root, { from: new Date('2026-06-01T00:00:00Z'), until: new Date('2027-06-01T00:00:00Z') })
  t.equal(await judge(leaf), uscc)
  t.equal(await judge(leaf, new Date('2026-05-31T23:59:59Z')), 'certificate-not-yet-valid')
  t.equal(await judge(leaf, new Date('2027-06-01T00:00:00Z')), uscc, 'the last second is within')
  t.equal(await judge(leaf, new Date('2027-06-01T00:00:01Z')), 'certificate-expired')
  const longer = makeLeaf(root, { until: new Date('2030-01-01T00:00:00Z') })
  t.equal(await judge(longer, new Date('2029-01-01T00:00:00Z')), 'certificate-expired', 'the root has ended')
})

await t.test('a renewed CA takes over where the old one ended', async (t) => {
  const old = makeRoot({ until: new Date('2026-10-01T00:00:00Z') })
  const renewed = makeRoot({ from: new Date('2026-09-01T00:00:00Z'), until: new Date('2036-01-01T00:00:00Z') })
  const { judge } = await open(t, { 'a.pem': old.pem, 'b.pem': renewed.pem, 'rule.yaml': rule })
  const leaf = makeLeaf(old)
  t.equal(await judge(leaf, new Date('2026-08-01T00:00:00Z')), uscc)
  t.equal(await judge(leaf, new Date('2026-11-01T00:00:00Z')), uscc)
})

await t.test('a certificate that is not made for signing is refused', async (t) => {
  const policyRule = `${rule}keyUsage: [digitalSignature, nonRepudiation]
extendedKeyUsage: [1.3.6.1.5.5.7.3.2]
policies: [1.2.3.4]
`
  const { judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  t.equal(await judge(makeLeaf(root, { keyUsage: keyEncipherment })), 'certificate-usage-wrong')
  t.equal(await judge(makeLeaf(root, { keyUsage: null })), 'certificate-usage-wrong', 'no keyUsage at all')
  t.equal(await judge(makeLeaf(root, { ca: {} })), 'certificate-usage-wrong', 'a CA')
  const asking = await open(t, { 'root.pem': root.pem, 'rule.yaml': policyRule })
  const clientAuth = testExtension('2.5.29.37', false, writeSequence(writeOid('1.3.6.1.5.5.7.3.2')))
  const policy = testExtension('2.5.29.32', false, writeSequence(writeSequence(writeOid('1.2.3.4'))))
  const both = { keyUsage: [0xc0, 6] as const }
  t.equal(await asking.judge(makeLeaf(root, { ...both, extensions: [clientAuth, policy] })), uscc)
  t.equal(await asking.judge(makeLeaf(root, { extensions: [clientAuth, policy] })), 'certificate-usage-wrong')
  t.equal(await asking.judge(makeLeaf(root, { ...both, extensions: [policy] })), 'certificate-usage-wrong')
  t.equal(await asking.judge(makeLeaf(root, { ...both, extensions: [clientAuth] })), 'certificate-usage-wrong')
})

await t.test('the rule takes the bank from the place it names, and from no other', async (t) => {
  const from = (place: string) => rule.replace('subject.serialNumber', place)
  const place = async (where: string, options: Partial<CertificateOptions>): Promise<string> => {
    const { judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': from(where) })
    return judge(makeLeaf(root, options))
  }
  const subject = (...attributes: [string, string][]) => ({ subject: [[CN, 'x'], ...attributes] as const })
  t.equal(await place('subject.serialNumber', subject([serialNumber, `USCC-${uscc}`])), uscc, 'with a prefix')
  t.equal(await place('subject.organizationIdentifier', subject(['2.5.4.97', uscc])), uscc)
  t.equal(await place('subject.OU', subject(['2.5.4.11', uscc])), uscc)
  t.equal(await place('subject.1.2.3.4', subject(['1.2.3.4', uscc])), uscc)
  const none = 'certificate-names-no-bank'
  t.equal(await place('subject.OU', subject([serialNumber, uscc])), none, 'in another place')
  t.equal(await place('subject.serialNumber', subject([serialNumber, `${uscc}0`])), none, 'longer')
  t.equal(
    await place('subject.OU', subject(['2.5.4.11', uscc], ['2.5.4.11', uscc.replace('1', '2')])),
    none,
    'two banks',
  )
  t.equal(await place('subject.OU', subject(['2.5.4.11', uscc], ['2.5.4.11', 'a department'])), uscc)
  const extension = { extensions: [testExtension('1.2.156.1.1', false, writeText(uscc))] }
  t.equal(await place('extension.1.2.156.1.1', extension), uscc)
  const notText = { extensions: [testExtension('1.2.156.1.1', false, writeOctets(Buffer.from(uscc)))] }
  t.equal(await place('extension.1.2.156.1.1', notText), none)
  const otherCa = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule.replace('Test Root', 'Another') })
  t.equal(await otherCa.judge(makeLeaf(root)), none, 'no rule for the CA')
})

await t.test('weak and malformed certificates are told apart from untrusted ones', async (t) => {
  const { judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  t.equal(await judge(makeLeaf(root, { key: testKey('rsa', 1024) })), 'certificate-weak')
  const sha1 = writeSequence(writeOid('1.2.840.10045.4.1'))
  t.equal(await judge(makeLeaf(root, { signWith: { ...keys.root, algorithm: sha1 } })), 'certificate-weak', 'SHA-1')
  t.equal(await judge(makeLeaf(root, { innerAlgorithm: sha1 })), 'certificate-malformed', 'two algorithms')
  t.equal(await judge(Buffer.from('not a certificate')), 'certificate-malformed')
  t.equal(await judge(Buffer.concat([makeLeaf(root).der, Buffer.of(0)])), 'certificate-malformed', 'bytes behind')
  const twice = testExtension('2.5.29.14', false, writeOctets(Buffer.alloc(20)))
  t.equal(await judge(makeLeaf(root, { extensions: [twice, twice] })), 'certificate-malformed', 'an extension twice')
})

await t.test('no change of any byte leaves a certificate trusted', async (t) => {
  const { store } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  const { der } = makeLeaf(root)
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: der.length - 1 }), fc.integer({ min: 1, max: 255 }), async (index, flip) => {
      const changed = Buffer.from(der)
      changed[index] = (changed[index] ?? 0) ^ flip
      return !(await store.judge(changed, at)).ok
    }),
    { numRuns: 200 },
  )
})

await t.test('a CA that is added holds at once, and one that is taken away does no longer', async (t) => {
  const second = makeRoot({ key: testKey('p256'), subject: [[CN, 'Second Root']] })
  const { store, folder, write, judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
  const leaf = makeLeaf(second)
  t.equal(await judge(leaf), 'certificate-untrusted')
  write('second.pem', second.pem)
  t.equal(await judge(leaf), 'certificate-names-no-bank')
  write('second.yaml', rule.replace('Test Root', 'Second Root'))
  t.equal(await judge(leaf), uscc)
  t.equal(store.cas().length, 2)
  rmSync(join(folder, 'second.pem'))
  t.equal(await judge(leaf), 'certificate-untrusted')
  t.equal(await judge(makeLeaf(root)), uscc)
})

await t.test(
  'a file with a fault stops the start with every fault named, and later only leaves itself out',
  async (t) => {
    const broken = {
      'a.pem': 'nothing',
      'b.yaml': 'ca: [',
      'c.yaml': 'ca: X\nbankCode: { from: issuer.CN, pattern: x }',
    }
    await t.rejects(open(t, { 'root.pem': root.pem, 'rule.yaml': rule, ...broken }), /a\.pem.*\n.*b\.yaml.*\n.*c\.yaml/)
    const { store, write, judge } = await open(t, { 'root.pem': root.pem, 'rule.yaml': rule })
    write('a.pem', 'nothing')
    t.equal(await judge(makeLeaf(root)), uscc)
    t.match(store.faults().join(), /a\.pem: holds no certificate/)
    write('again.yaml', rule)
    t.equal(await judge(makeLeaf(root)), 'certificate-names-no-bank', 'two rules for one CA: neither holds')
    t.match(store.faults().join(), /rule for the same CA/)
  },
)

await t.test('faults of a rule are found before a certificate is', async (t) => {
  const faults: [string, RegExp][] = [
    ['', /not a mapping/],
    [`${rule}extra: 1`, /unknown member extra/],
    [rule.replace('ca: Test Root', 'ca: []'), /ca must be/],
    [rule.replace('subject.serialNumber', 'subject.shoeSize'), /subject\.shoeSize/],
    [rule.replace("([0-9A-HJ-NPQRTUWXY]{18})'", "x'"), /exactly one group, not 0/],
    [rule.replace('(?:USCC-)?', '(USCC-)?'), /exactly one group, not 2/],
    [rule.replace('(?:USCC-)?', '('), /not a regular expression/],
    [`${rule}keyUsage: [signing]`, /keyUsage must be/],
    [`${rule}policies: [any]`, /policies must be/],
  ]
  for (const [text, fault] of faults) await t.rejects(open(t, { 'root.pem': root.pem, 'rule.yaml': text }), fault)
})

await t.test('the DER of the test certificates is itself in order', async (t) => {
  t.equal(readDer(makeLeaf(root).der).children.length, 3)
})
