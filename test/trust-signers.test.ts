import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openCertificateAuthority } from '../src/sandbox/certificate-authority.ts'
import { verificationKey, verifyMessage } from '../src/sandbox/http-signature.ts'
import { certificatesOfPem, parseCertificate } from '../src/trust/certificate.ts'
import { contentDigestOf } from '../src/trust/content-digest.ts'
import { readSignature, verifySignature } from '../src/trust/http-signature.ts'
import { createSelfSigned } from '../src/trust/self-signed.ts'
import { signAnswer, signRequest } from '../src/trust/sign.ts'
import { loadSigners, type Signer } from '../src/trust/signer.ts'
import { openSm2Pool } from '../src/trust/sm2-pool.ts'
import { openTrustStore } from '../src/trust/trust-store.ts'
import { isIssuedWith, verifyBytes } from '../src/trust/verify-bytes.ts'

const sm2 = openSm2Pool()
const now = new Date()

function folderOf(t: { teardown(run: () => unknown): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'signers-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

await t.test('a gateway without keys makes its own, readable by the owner only, and only once', async (t) => {
  const folder = join(folderOf(t), 'keys')
  t.equal(await createSelfSigned(folder, '登记中心 gateway', now), true)
  t.equal(await createSelfSigned(folder, 'other', now), false)
  for (const name of ['p256.key.pem', 'p256.cert.pem', 'sm2.key.pem', 'sm2.cert.pem']) {
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  const signers = await loadSigners(folder, sm2)
  t.equal(signers.rsa, null)
  for (const signer of [signers.p256, signers.sm2]) {
    if (signer === null) throw new Error('no signer')
    const certificate = parseCertificate(signer.certificateDer)
    t.equal(certificate.subject[0]?.value, '登记中心 gateway')
    t.ok(certificate.validFrom < now && certificate.validUntil.getTime() > now.getTime() + 9 * 365 * 86_400_000)
    t.ok(certificate.extensions.keyUsage?.has('digitalSignature'))
    t.ok(await isIssuedWith(certificate, certificate.publicKey, sm2), 'signed by itself')
    const bytes = Buffer.from('bytes')
    t.ok(await verifyBytes(signer.algorithm, certificate.publicKey, bytes, await signer.sign(bytes), sm2))
  }
  t.equal(
    new X509Certificate(signers.p256.certificateDer).fingerprint256.replaceAll(':', '').toLowerCase(),
    signers.p256.keyid,
  )
})

await t.test('keys that are missing, or not those of their certificates, are named', async (t) => {
  const folder = folderOf(t)
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  await t.rejects(loadSigners(one, sm2), /p256\.key\.pem/)
  await createSelfSigned(one, 'one', now)
  await createSelfSigned(two, 'two', now)
  copyFileSync(join(two, 'sm2.key.pem'), join(one, 'sm2.key.pem'))
  await t.rejects(loadSigners(one, sm2), /sm2\.key\.pem is not the sm2 key/)
  copyFileSync(join(one, 'p256.key.pem'), join(one, 'sm2.key.pem'))
  await t.rejects(loadSigners(one, sm2), /sm2\.key\.pem cannot be read as an SM2 key/)
  rmSync(join(one, 'sm2.key.pem'))
  await t.rejects(loadSigners(one, sm2), /sm2\.key\.pem is missing/)
  rmSync(join(one, 'sm2.cert.pem'))
  t.equal((await loadSigners(one, sm2)).sm2, null)
  copyFileSync(join(two, 'p256.key.pem'), join(one, 'p256.key.pem'))
  await t.rejects(loadSigners(one, sm2), /p256\.key\.pem is not the p256 key/)
})

await t.test(
  'certificates of the sandbox pass by the rule that is shipped, and its flawed ones by their codes',
  async (t) => {
    const authority = await openCertificateAuthority(folderOf(t))
    const store = await openTrustStore({ trustDir: authority.trustFolder, rulesDir: 'certs', sm2 })
    const request = { organization: '测试银行', commonName: 'client', uscc: '91420200MA00000001' }
    const judge = async (pem: string): Promise<string> => {
      const verdict = await store.judge(certificatesOfPem(pem)[0] ?? Buffer.of(), now)
      return verdict.ok ? verdict.bankCode : verdict.code
    }
    const codes = {
      expired: 'certificate-expired',
      'not-yet-valid': 'certificate-not-yet-valid',
      'wrong-usage': 'certificate-usage-wrong',
      'unknown-ca': 'certificate-untrusted',
    } as const
    for (const algorithm of ['p256', 'rsa', 'sm2'] as const) {
      t.equal(await judge((await authority.issue({ ...request, algorithm })).certificatePem), request.uscc, algorithm)
      for (const flaw of Object.keys(codes) as (keyof typeof codes)[]) {
        const { certificatePem } = await authority.issue({ ...request, algorithm, flaw })
        t.equal(await judge(certificatePem), codes[flaw], `${algorithm} ${flaw}`)
      }
    }
  },
)

await t.test(
  "what we sign passes the sandbox's verifier, which shares no code with us, and the other way round",
  async (t) => {
    const folder = folderOf(t)
    await createSelfSigned(join(folder, 'keys'), 'gateway', now)
    const authority = await openCertificateAuthority(join(folder, 'ca'))
    const { p256, sm2: sm2Own } = await loadSigners(join(folder, 'keys'), sm2)
    const body = Buffer.from('{"bankReference":"R1"}')
    const target = { method: 'POST', targetUri: 'https://gateway.example/v1/applications?a=1' }
    for (const own of [p256, sm2Own]) {
      if (own === null) throw new Error('no signer')
      const algorithm = own.algorithm === 'sm2-sm3' ? 'sm2' : 'p256'
      const bank = await authority.issue({ algorithm, organization: 'B', commonName: 'c', uscc: '91420200MA00000001' })
      const bankSigner: Signer = {
        algorithm: own.algorithm,
        keyid: bank.fingerprint,
        certificateDer: certificatesOfPem(bank.certificatePem)[0] ?? Buffer.of(),
        sign: async (bytes) => bank.key.signHttp(bytes),
      }
      const sent = {
        'content-type': 'application/json',
        'content-digest': contentDigestOf(body),
        'idempotency-key': 'k',
        'x-operator': 'o',
      }
      const signedRequest = await signRequest({ ...target, headers: sent }, bankSigner, now)
      const requestHeaders = { ...sent, ...signedRequest }
      const read = readSignature(
        { ...target, rawHeaders: Object.entries(requestHeaders).flat() },
        { now, hasBody: true },
      )
      await verifySignature(read, parseCertificate(bankSigner.certificateDer).publicKey, sm2)

      const headers = { 'content-type': 'application/json', 'content-digest': contentDigestOf(body, 'sm3') }
      const signed = await signAnswer(
        { status: 202, headers, request: { ...target, contentDigest: sent['content-digest'], signature: read } },
        own,
        now,
      )
      const ownPem = readFileSync(join(folder, 'keys', `${algorithm}.cert.pem`), 'utf8')
      const verdict = verifyMessage(
        {
          request: { ...target, headers: requestHeaders },
          response: { status: 202, headers: { ...headers, ...signed } },
        },
        [verificationKey(ownPem)],
        { nowMs: now.getTime(), windowSeconds: 300 },
      )
      t.strictSame(verdict.covered, [
        '"@status"',
        '"content-digest"',
        '"content-type"',
        '"@method";req',
        '"@target-uri";req',
        '"content-digest";req',
        '"signature";req;key="sig1"',
      ])
    }
  },
)

const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' })
const hasOpenssl = openssl.status === 0 && /OpenSSL [3-9]/.test(openssl.stdout)
const skip = hasOpenssl ? false : 'openssl 3 is not installed'

await t.test('certificates that openssl makes are judged, SM2 with the standard ID among them', { skip }, async (t) => {
  const folder = folderOf(t)
  const trust = folderOf(t)
  const run = (...args: string[]): void => {
    const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`)
  }
  const leafExtensions =
    'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:bank.example\n'
  writeFileSync(join(folder, 'leaf.ext'), leafExtensions)
  const kinds = {
    rsa: { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], ca: ['-sha256'], issue: ['-sha384'] },
    p256: { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], ca: ['-sha256'], issue: ['-sha512'] },
    sm2: {
      key: ['-algorithm', 'SM2'],
      ca: ['-sm3', '-sigopt', 'distid:1234567812345678'],
      issue: ['-sm3', '-sigopt', 'distid:1234567812345678', '-vfyopt', 'distid:1234567812345678'],
    },
  }
  const leaves = new Map<string, Buffer>()
  for (const [kind, { key, ca, issue }] of Object.entries(kinds)) {
    run('genpkey', ...key, '-out', `${kind}-ca.key`)
    run('genpkey', ...key, '-out', `${kind}.key`)
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    run(
      'req',
      '-x509',
      '-new',
      '-key',
      `${kind}-ca.key`,
      ...ca,
      ...usage,
      '-subj',
      `/C=CN/O=T/CN=CA ${kind}`,
      '-days',
      '30',
      '-out',
      `${kind}-ca.pem`,
    )
    run(
      'req',
      '-new',
      '-key',
      `${kind}.key`,
      ...ca,
      '-subj',
      '/CN=leaf/serialNumber=91420200MA00000001',
      '-out',
      `${kind}.csr`,
    )
    run(
      'x509',
      '-req',
      '-in',
      `${kind}.csr`,
      '-CA',
      `${kind}-ca.pem`,
      '-CAkey',
      `${kind}-ca.key`,
      '-CAcreateserial',
      ...issue,
      '-extfile',
      'leaf.ext',
      '-days',
      '20',
      '-out',
      `${kind}.pem`,
    )
    copyFileSync(join(folder, `${kind}-ca.pem`), join(trust, `${kind}-ca.pem`))
    const rule = `ca: CA ${kind}\nbankCode: { from: subject.serialNumber, pattern: '([0-9A-Z]{18})' }\n`
    writeFileSync(join(trust, `${kind}.yaml`), rule)
    leaves.set(kind, certificatesOfPem(readFileSync(join(folder, `${kind}.pem`), 'utf8'))[0] ?? Buffer.of())
  }
  const store = await openTrustStore({ trustDir: trust, sm2 })
  const later = new Date(Date.now() + 60_000)
  for (const [kind, der] of leaves) {
    const verdict = await store.judge(der, later)
    if (!verdict.ok) throw new Error(`${kind}: ${verdict.code} ${verdict.detail.en}`)
    t.equal(verdict.bankCode, '91420200MA00000001', kind)
    t.strictSame(verdict.certificate.extensions.subjectAltNames.dns, ['bank.example'])
  }
  // An SM2 certificate signed with the empty ID, as tools do by default, is not one of the standard.
  run(
    'x509',
    '-req',
    '-in',
    'sm2.csr',
    '-CA',
    'sm2-ca.pem',
    '-CAkey',
    'sm2-ca.key',
    '-sm3',
    '-vfyopt',
    'distid:1234567812345678',
    '-sigopt',
    'distid:',
    '-extfile',
    'leaf.ext',
    '-days',
    '20',
    '-out',
    'empty.pem',
  )
  const empty = certificatesOfPem(readFileSync(join(folder, 'empty.pem'), 'utf8'))[0] ?? Buffer.of()
  const verdict = await store.judge(empty, later)
  t.equal(verdict.ok ? 'trusted' : verdict.code, 'certificate-untrusted')
})

await t.test('openssl reads the keys and certificates that we make, and finds them signed', { skip }, async (t) => {
  const folder = join(folderOf(t), 'keys')
  await createSelfSigned(folder, 'gateway', now)
  const run = (...args: string[]) => spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  for (const kind of ['p256', 'sm2']) {
    t.match(run('x509', '-in', `${kind}.cert.pem`, '-noout', '-subject').stdout, 'gateway')
    const publicPem = run('x509', '-in', `${kind}.cert.pem`, '-noout', '-pubkey').stdout
    t.equal(run('pkey', '-in', `${kind}.key.pem`, '-pubout').stdout, publicPem)
    // By its parts: openssl's chain check gives the ID to one certificate only.
    const der = certificatesOfPem(readFileSync(join(folder, `${kind}.cert.pem`), 'utf8'))[0] ?? Buffer.of()
    const { signed, signature } = parseCertificate(der)
    writeFileSync(join(folder, 'public.pem'), publicPem)
    writeFileSync(join(folder, 'signed'), signed)
    writeFileSync(join(folder, 'signature'), signature)
    const digest = kind === 'sm2' ? ['-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678'] : ['-digest', 'sha256']
    const files = ['-pubin', '-inkey', 'public.pem', '-in', 'signed', '-sigfile', 'signature']
    const verdict = run('pkeyutl', '-verify', '-rawin', ...digest, ...files)
    t.equal(verdict.status, 0, `${kind}: ${verdict.stdout}${verdict.stderr}`)
  }
})
