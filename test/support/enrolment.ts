import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addAccount, addBank, addOperator } from '../../src/access/administration-additions.ts'
import { registerCertificate } from '../../src/access/administration-certificates.ts'
import { administrationMeans } from '../../src/cli/administration-means.ts'
import type { loadConfig } from '../../src/config.ts'
import type { Ground } from '../../src/ground.ts'
import { type BankClient, bankClient } from '../../src/sandbox/bank-client.ts'
import type { CertificateAuthority, Identity } from '../../src/sandbox/certificate-authority.ts'
import { type SampleCaseOptions, sampleCase, withMaterialIds } from '../../src/sandbox/sample-case.ts'
import { certificatesOfPem, parseCertificate } from '../../src/trust/certificate.ts'

// Enrolment, and the sample that an enrolled bank files; without a test runner, so that a bank's own process has it too.

type Overrides = NonNullable<Parameters<typeof loadConfig>[1]>
type Teardown = { teardown(work: () => Promise<void>): unknown }

export const OPERATOR = 'yx-sub-0031'
/** The mortgagee of the sample case. */
export const SAMPLE_BANK = { code: '91420222000000019R', name: '示例银行股份有限公司阳新支行' }
export const OTHER_BANK = { code: '91420222MA0000015G', name: '另一银行股份有限公司' }

/** Times that let a case run through in a second. */
export const QUICK: Overrides = {
  pollFirstMs: 50,
  pollCapMs: 300,
  reconcileMs: 100,
  backoffMs: 50,
  backoffCapMs: 500,
  registryTimeoutMs: 3000,
  registryMaximumMs: 3000,
  platformTimeoutMs: 3000,
  leaseMarginMs: 500,
  sealMs: 100,
  checkpointMs: 300,
  logLevel: 'silent',
  shutdownNoticeMs: 0,
  shutdownGraceMs: 3000,
  diskReserveMb: 0,
}

export interface Enrolment {
  bank?: { code: string; name: string }
  account?: string
  algorithm?: Identity['algorithm']
  operator?: string
  businessTypes?: string[]
  areas?: string[]
  agreementTo?: string
  validTo?: string
  /** In place of a good certificate of the sandbox CA. */
  flaw?: 'expired' | 'not-yet-valid' | 'wrong-usage' | 'unknown-ca'
}

/** Enrols at a gateway that may run in another process, by the ground of this one. */
export async function enrol(
  t: Teardown,
  ground: Ground,
  ca: CertificateAuthority,
  baseUrl: string,
  enrolment: Enrolment = {},
): Promise<BankClient> {
  const identity = await bankIdentity(ground, ca, enrolment)
  return clientOf(t, ground.folders.signing, identity, baseUrl, enrolment.operator ?? OPERATOR)
}

/** Registers what is not there yet of bank, account, operator and certificate; gives the account's key. */
export async function bankIdentity(
  ground: Ground,
  ca: CertificateAuthority,
  enrolment: Enrolment = {},
): Promise<Identity> {
  const means = administrationMeans(ground)
  const bank = enrolment.bank ?? SAMPLE_BANK
  const account = enrolment.account ?? 'core'
  const algorithm = enrolment.algorithm ?? 'p256'
  const operator = enrolment.operator ?? OPERATOR
  const isNew = async (text: string, values: string[]): Promise<boolean> =>
    (await ground.pool.query(text, values)).rowCount === 0
  if (await isNew('select from bank where code = $1', [bank.code])) {
    await addBank({ ...bank, agreementFrom: '2026-01-01', agreementTo: enrolment.agreementTo ?? '2099-12-31' }, means)
  }
  if (
    await isNew('select from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2', [
      bank.code,
      account,
    ])
  ) {
    await addAccount(
      {
        bank: bank.code,
        name: account,
        answerAlgorithm: algorithm === 'sm2' ? 'sm2' : 'p256',
        businessTypes: enrolment.businessTypes ?? ['mortgage-first'],
        areas: enrolment.areas ?? ['420222'],
        validFrom: '2026-01-01',
        validTo: enrolment.validTo ?? '2099-12-31',
      },
      means,
    )
  }
  if (
    await isNew('select from operator o join bank b on b.id = o.bank_id where b.code = $1 and o.code = $2', [
      bank.code,
      operator,
    ])
  ) {
    await addOperator(
      {
        bank: bank.code,
        code: operator,
        name: '经办员甲',
        phone: '0714-0000001',
        idType: 'resident-id',
        idNumber: '420222190001030007',
      },
      means,
    )
  }
  const identity = await ca.issue({
    algorithm,
    organization: bank.name,
    commonName: `${bank.name} ${randomInt(1e9)}`,
    uscc: bank.code,
    ...(enrolment.flaw === undefined ? {} : { flaw: enrolment.flaw }),
  })
  const certificate = parseCertificate(certificatesOfPem(identity.certificatePem)[0] as Buffer)
  await registerCertificate({ bank: bank.code, name: account }, certificate, means)
  return identity
}

async function clientOf(
  t: Teardown,
  signing: string,
  identity: Identity,
  baseUrl: string,
  operator: string,
): Promise<BankClient> {
  const gatewayCertificates = await Promise.all(
    ['p256', 'sm2'].map((name) => readFile(join(signing, `${name}.cert.pem`), 'utf8')),
  )
  const client = bankClient({ baseUrl, identity, gatewayCertificates, operator })
  t.teardown(() => client.close())
  return client
}

/** Uploads the sample's materials and gives the body that names them. */
export async function prepareSample(
  bank: BankClient,
  options: SampleCaseOptions = {},
): Promise<ReturnType<typeof withMaterialIds>> {
  const { application, materials } = sampleCase(options)
  const ids = new Map<string, string>()
  await Promise.all(
    materials.map(async (material) => {
      const answer = await bank.uploadMaterial(material, { attempts: 2000, retryDelayMs: 50 })
      if (answer.status !== 201) throw new Error(`a material was not taken: ${answer.status} ${answer.body.toString()}`)
      ids.set(material.name, String(answer.json()['id']))
    }),
  )
  return withMaterialIds(application, ids)
}

/** Files a sample case; gives its id. */
export async function fileSample(bank: BankClient, options: SampleCaseOptions = {}): Promise<string> {
  const answer = await bank.submitApplication(await prepareSample(bank, options))
  if (answer.status !== 202) throw new Error(`the case was not taken: ${answer.status} ${answer.body.toString()}`)
  return String(answer.json()['id'])
}
