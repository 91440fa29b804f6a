import type { ProblemCode } from '../base/problem.ts'
import { Problem } from '../base/problem.ts'
import { bankCodeOf, type CaRule, isRuleFor } from './ca-rule.ts'
import { type Certificate, fingerprintOf, parseCertificate } from './certificate.ts'
import { type Chain, findChains } from './certificate-chain.ts'
import { commonName } from './certificate-name.ts'
import type { PublicKey } from './public-key.ts'
import type { Sm2Pool } from './sm2-pool.ts'
import { readTrustFiles, type TrustFiles, trustFolderState } from './trust-files.ts'

/** Whether a certificate was good at a time, and which bank it names. */
type Judgement =
  | {
      ok: true
      certificate: Certificate
      publicKey: PublicKey
      /** What the CA's rule took from the certificate: a 统一社会信用代码 as a rule. */
      bankCode: string
      /** The rule file that decided. */
      rule: string
      /** From the certificate to the anchor, both included. */
      chain: Chain
    }
  | { ok: false; code: ProblemCode; detail: { zh: string; en: string } }

export interface TrustStore {
  /** Codes of refusals: certificate-malformed, -weak, -untrusted, -usage-wrong, -names-no-bank, -not-yet-valid, -expired. */
  judge(certificateDer: Buffer, at: Date): Promise<Judgement>
  /** Reads the folders anew. `judge` does so by itself when they changed, at most once a `checkIntervalMs`. */
  reload(): Promise<void>
  /** The anchors and intermediates, for lists and alarms. */
  cas(): readonly Certificate[]
  /** What is wrong with the folders now; such files count as absent. */
  faults(): readonly string[]
}

export interface TrustStoreOptions {
  /** CA certificates (`*.pem`) and, if you like, rules (`*.yaml`). */
  trustDir: string
  /** Further rules: those that come with the gateway. */
  rulesDir?: string
  sm2: Sm2Pool
  /** How often a change of the folders is looked for, at most; default 1000. */
  checkIntervalMs?: number
}

/** A verdict that holds at any time, while the folders stay as they are. */
type Lasting = { certificate: Certificate; chains: readonly Chain[]; rule: CaRule; bankCode: string } | Problem

const maxVerdicts = 10_000

/**
 * Opens the trust store.
 * @throws {Error} naming every file of the folders that is at fault; after that, a fault only leaves its file out.
 */
export async function openTrustStore(options: TrustStoreOptions): Promise<TrustStore> {
  const { sm2, checkIntervalMs = 1000 } = options
  const folders = [options.trustDir, ...(options.rulesDir === undefined ? [] : [options.rulesDir])]
  let state = await trustFolderState(folders)
  let files = await readTrustFiles(folders, sm2)
  if (files.faults.length > 0) throw new Error(`the trust folders have faults:\n${files.faults.join('\n')}`)
  let verdicts = new Map<string, Promise<Lasting>>()
  let folderFault: string | null = null
  let checkedAtMs = performance.now()
  let reloading: Promise<void> | null = null

  const reload = async (force: boolean): Promise<void> => {
    try {
      const found = await trustFolderState(folders)
      if (force || found !== state) {
        files = await readTrustFiles(folders, sm2)
        verdicts = new Map()
        state = found
      }
      folderFault = null
    } catch (error) {
      // A folder that cannot be listed (a lost mount, a file removed meanwhile) withdraws no trust; it is shown.
      folderFault = error instanceof Error ? error.message : String(error)
    }
    checkedAtMs = performance.now()
  }

  const refresh = async (): Promise<void> => {
    if (performance.now() - checkedAtMs < checkIntervalMs) return
    reloading ??= reload(false).finally(() => {
      reloading = null
    })
    await reloading
  }

  return {
    async judge(certificateDer, at) {
      await refresh()
      const fingerprint = fingerprintOf(certificateDer)
      let verdict = verdicts.get(fingerprint)
      if (verdict === undefined) {
        verdict = lastingVerdict(certificateDer, files, sm2)
        if (verdicts.size >= maxVerdicts) verdicts.delete(verdicts.keys().next().value ?? '')
        verdicts.set(fingerprint, verdict)
        // A broken check (a thread that died) is no verdict.
        const kept = verdicts
        verdict.catch(() => kept.delete(fingerprint))
      }
      return judgementAt(await verdict, at)
    },
    reload: () => reload(true),
    cas: () => [...files.anchors, ...files.intermediates],
    faults: () => [...files.faults, ...(folderFault === null ? [] : [folderFault])],
  }
}

async function lastingVerdict(der: Buffer, files: TrustFiles, sm2: Sm2Pool): Promise<Lasting> {
  let certificate: Certificate
  try {
    certificate = parseCertificate(der)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  const { chains, reason } = await findChains(certificate, files, sm2)
  if (chains.length === 0) {
    return new Problem('certificate-untrusted', {
      zh: `证书不能追溯到受信任的根证书：${reason}`,
      en: `The certificate does not lead to a trusted root: ${reason}`,
    })
  }
  const issuer = commonName(certificate.issuer)
  const rule = ruleOf(chains, files.rules)
  const wrongUsage = usageFault(certificate, rule)
  if (wrongUsage !== null) {
    return new Problem('certificate-usage-wrong', {
      zh: `证书用途不符：${wrongUsage}`,
      en: `The certificate is not one for signing requests: ${wrongUsage}`,
    })
  }
  const bankCode = rule === null ? null : bankCodeOf(rule, certificate)
  if (rule === null || bankCode === null) {
    return new Problem('certificate-names-no-bank', {
      zh: rule === null ? `没有适用于签发机构“${issuer}”的规则文件` : `按规则 ${rule.name}，证书未标明唯一的银行`,
      en:
        rule === null ? `No rule file is for the CA "${issuer}"` : `By ${rule.name} the certificate names not one bank`,
    })
  }
  return { certificate, chains, rule, bankCode }
}

/** The rule of the CA nearest to the certificate that has one. */
function ruleOf(chains: readonly Chain[], rules: readonly CaRule[]): CaRule | null {
  for (const chain of chains) {
    for (const ca of chain.slice(1)) {
      const rule = rules.find((each) => isRuleFor(each, ca))
      if (rule !== undefined) return rule
    }
  }
  return null
}

function usageFault(certificate: Certificate, rule: CaRule | null): string | null {
  const { basicConstraints, keyUsage, extendedKeyUsage, policies } = certificate.extensions
  if (basicConstraints?.isCa === true) return 'it is a CA'
  for (const usage of ['digitalSignature' as const, ...(rule?.keyUsage ?? [])]) {
    if (keyUsage?.has(usage) !== true) return `keyUsage lacks ${usage}`
  }
  if (rule === null) return null
  const lacksAll = (asked: readonly string[], has: readonly string[]): boolean =>
    asked.length > 0 && !asked.some((oid) => has.includes(oid))
  if (lacksAll(rule.extendedKeyUsage, extendedKeyUsage ?? [])) return 'extKeyUsage is not what the rule asks'
  return lacksAll(rule.policies, policies) ? 'it is not issued under a policy that the rule asks' : null
}

function judgementAt(verdict: Lasting, at: Date): Judgement {
  if (verdict instanceof Problem) return { ok: false, code: verdict.code, detail: verdict.detail }
  const { certificate, chains, rule, bankCode } = verdict
  let fault: Judgement | null = null
  for (const chain of chains) {
    const untimely = chain.map((each, index) => timeFault(each, index === 0, at)).find((each) => each !== null)
    if (untimely === undefined) {
      return { ok: true, certificate, publicKey: certificate.publicKey, bankCode, rule: rule.name, chain }
    }
    fault ??= untimely
  }
  return fault ?? { ok: false, code: 'certificate-untrusted', detail: { zh: '没有证书链', en: 'There is no chain' } }
}

function timeFault(certificate: Certificate, isLeaf: boolean, at: Date): Judgement | null {
  const { validFrom, validUntil } = certificate
  if (at >= validFrom && at <= validUntil) return null
  const isEarly = at < validFrom
  const limit = (isEarly ? validFrom : validUntil).toISOString()
  const ca = commonName(certificate.subject)
  return {
    ok: false,
    code: isEarly ? 'certificate-not-yet-valid' : 'certificate-expired',
    detail: {
      zh: `${isLeaf ? '证书' : `签发机构“${ca}”的证书`}${isEarly ? `自 ${limit} 起生效` : `已于 ${limit} 到期`}`,
      en: `The certificate${isLeaf ? '' : ` of the CA "${ca}"`} ${isEarly ? 'is valid from' : 'expired at'} ${limit}`,
    },
  }
}
