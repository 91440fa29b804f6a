import type { Certificate } from './certificate.ts'
import { commonName, isSameName } from './certificate-name.ts'
import type { Sm2Pool } from './sm2-pool.ts'
import { isIssuedWith } from './verify-bytes.ts'

/** The CAs of a trust store: anchors (roots, believed because they are there) and what they issued. */
export interface CaSet {
  anchors: ReadonlySet<Certificate>
  intermediates: ReadonlySet<Certificate>
}

/** A chain from the leaf to an anchor, both included. */
export type Chain = readonly Certificate[]

const maxChainLength = 6
/** A store of CAs that issued one another in circles must not cost more than this. */
const maxSignatureChecks = 32
const maxChains = 4

/**
 * Every chain from a certificate to an anchor whose links hold at any time (name, key id, CA flag, keyCertSign, path
 * length, no critical extension unknown to us, signature); validity in time is judged per request. Without a chain,
 * `reason` says how far it led.
 */
export async function findChains(
  leaf: Certificate,
  cas: CaSet,
  sm2: Sm2Pool,
): Promise<{ chains: Chain[]; reason: string }> {
  const chains: Chain[] = []
  const candidates = [...cas.anchors, ...cas.intermediates]
  let checks = 0
  let reason = `no CA "${commonName(leaf.issuer)}" is in the trust store`

  const extend = async (chain: Chain): Promise<void> => {
    const last = chain.at(-1)
    if (last === undefined || chain.length >= maxChainLength) return
    for (const ca of candidates) {
      if (chains.length >= maxChains || chain.includes(ca) || !mayHaveIssued(ca, last)) continue
      const unfit = unfitness(ca, chain)
      if (unfit !== null) {
        reason = `the CA "${commonName(ca.subject)}" ${unfit}`
        continue
      }
      checks += 1
      if (checks > maxSignatureChecks) return
      if (!(await isIssuedWith(last, ca.publicKey, sm2))) {
        reason = `the signature is not that of the CA "${commonName(ca.subject)}"`
        continue
      }
      if (cas.anchors.has(ca)) chains.push([...chain, ca])
      else {
        reason = `no CA "${commonName(ca.issuer)}" is in the trust store`
        await extend([...chain, ca])
      }
    }
  }

  if (leaf.extensions.unknownCritical.length > 0) {
    return { chains, reason: `the critical extension ${leaf.extensions.unknownCritical.join(', ')} is unknown` }
  }
  await extend([leaf])
  return { chains, reason }
}

function mayHaveIssued(ca: Certificate, issued: Certificate): boolean {
  const asked = issued.extensions.authorityKeyId
  const has = ca.extensions.subjectKeyId
  return isSameName(ca.subject, issued.issuer) && (asked === null || has === null || asked === has)
}

/** Why a CA may not stand above this chain, or null. */
function unfitness(ca: Certificate, below: Chain): string | null {
  const { basicConstraints, keyUsage, unknownCritical } = ca.extensions
  if (unknownCritical.length > 0) return `has the critical extension ${unknownCritical.join(', ')}, which is unknown`
  if (basicConstraints?.isCa !== true) return 'is not a CA by its basicConstraints'
  if (keyUsage !== null && !keyUsage.has('keyCertSign')) return 'may not sign certificates by its keyUsage'
  // CAs that a CA issued to itself, to change its key, do not count (RFC 5280, 4.2.1.9).
  const casBelow = below.slice(1).filter((each) => !isSameName(each.subject, each.issuer)).length
  const { pathLength } = basicConstraints
  return pathLength !== null && casBelow > pathLength ? 'allows no further CA below it' : null
}
