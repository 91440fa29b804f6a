import { addAccount, addBank, addOperator } from '../access/administration-additions.ts'
import { addCertificate } from '../access/administration-certificates.ts'
import { type NewScope, setScope } from '../access/administration-scopes.ts'
import type { Ground } from '../ground.ts'
import type { CertificateAuthority, Identity } from '../sandbox/certificate-authority.ts'
import { certificatesOfPem } from '../trust/certificate.ts'
import { openTrustStore } from '../trust/trust-store.ts'
import { administrationMeans } from './administration-means.ts'

/** The bank, its operator and its area of the sample case. */
export const SAMPLE_OPERATOR = 'yx-sub-0031'
export const SAMPLE_BANK = { code: '91420222000000019R', name: '示例银行股份有限公司阳新支行' }

/** Enrols the sample's bank as the centre would: agreement, account, operator, scopes, certificate. */
export async function registerSampleBank(
  ground: Ground,
  ca: CertificateAuthority,
  algorithm: Identity['algorithm'],
): Promise<Identity> {
  const means = administrationMeans(ground)
  const period = { from: '2026-01-01', to: '2035-12-31' }
  await addBank({ ...SAMPLE_BANK, agreementFrom: period.from, agreementTo: period.to }, means)
  await addAccount(
    {
      bank: SAMPLE_BANK.code,
      name: 'core',
      answerAlgorithm: algorithm === 'sm2' ? 'sm2' : 'p256',
      businessTypes: ['mortgage-first', 'query'],
      areas: [ground.config.areaCode],
      validFrom: period.from,
      validTo: period.to,
    },
    means,
  )
  await addOperator(
    {
      bank: SAMPLE_BANK.code,
      code: SAMPLE_OPERATOR,
      name: '经办员甲',
      phone: '0714-0000001',
      idType: 'resident-id',
      idNumber: '420222190001030007',
    },
    means,
  )
  // Flags only: what a bank needs before it lends, and no more.
  const scope: NewScope = {
    bank: SAMPLE_BANK.code,
    account: 'core',
    levels: ['flags'],
    purposes: ['mortgage-registration'],
    areas: [ground.config.areaCode],
    zones: ['internet', 'egov'],
    fields: ['name=show', 'idNumber=mask', 'address=show'],
    authorizationRequired: true,
    dailyQuota: 500,
    validFrom: period.from,
    validTo: period.to,
  }
  await setScope(scope, means)
  await setScope({ ...scope, operator: SAMPLE_OPERATOR, dailyQuota: 100 }, means)
  const identity = await ca.issue({
    algorithm,
    organization: SAMPLE_BANK.name,
    commonName: `${SAMPLE_BANK.name} ${algorithm}`,
    uscc: SAMPLE_BANK.code,
  })
  const trust = await openTrustStore({
    trustDir: ground.folders.trust,
    rulesDir: ground.config.certsDir,
    sm2: ground.sm2,
  })
  const [der] = certificatesOfPem(identity.certificatePem)
  if (der === undefined) throw new Error('the sandbox CA issued no certificate')
  await addCertificate(
    { account: { bank: SAMPLE_BANK.code, name: 'core' }, der, at: ground.clock.now() },
    (der, at) => trust.judge(der, at),
    means,
  )
  return identity
}
