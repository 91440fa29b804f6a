import { Problem } from '../base/problem.ts'
import type { AddressGuard } from '../http/address-guard.ts'

const LENGTH_MAXIMUM = 1000

/** Why an address cannot be a webhook: said of the address, in both languages. */
export const addressFaults = {
  'address-malformed': [
    `不是 https 地址，或超过 ${LENGTH_MAXIMUM} 个字符，或含非 ASCII 字符`,
    `is no https address of at most ${LENGTH_MAXIMUM} ASCII characters`,
  ],
  'address-with-credentials': ['不得含用户名或密码', 'must not hold credentials'],
  'address-with-fragment': ['不得含片段（#）', 'must not have a fragment'],
  'https-required': ['应为 https', 'must be https'],
  'address-inner': ['指向内部、本机、保留或组播网络', 'leads to an inner, local, reserved or multicast address'],
  'host-unresolved': ['主机名无法解析', 'has a host that does not resolve'],
} as const satisfies Record<string, readonly [zh: string, en: string]>

/**
 * An address that results may be pushed to, in its one spelling: https on a host whose addresses are all public. What
 * the host resolves to is checked now, for the bank to hear of it, and again at each connection.
 * @throws {Problem} webhook-address-invalid, -inner, -unresolved; with the fault at `/url`.
 */
export async function checkedAddress(given: unknown, guard: AddressGuard): Promise<string> {
  const url = wellFormed(given)
  const fault = await guard.check(url)
  if (fault === 'unresolved') throw refused('webhook-address-unresolved', 'host-unresolved')
  if (fault === 'inner') throw refused('webhook-address-inner', 'address-inner')
  if (fault === 'plain') throw refused('webhook-address-invalid', 'https-required')
  return url.href
}

function wellFormed(given: unknown): URL {
  if (typeof given !== 'string' || given.length > LENGTH_MAXIMUM || !/^https?:\/\/[\x21-\x7e]+$/.test(given)) {
    throw refused('webhook-address-invalid', 'address-malformed')
  }
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw refused('webhook-address-invalid', 'address-malformed')
  }
  if (/^https?:\/\/[^/?]*@/.test(given)) {
    throw refused('webhook-address-invalid', 'address-with-credentials')
  }
  if (given.includes('#')) {
    throw refused('webhook-address-invalid', 'address-with-fragment')
  }
  return url
}

function refused(
  code: 'webhook-address-invalid' | 'webhook-address-inner' | 'webhook-address-unresolved',
  fault: keyof typeof addressFaults,
): Problem {
  const [zh, en] = addressFaults[fault]
  return new Problem(
    code,
    { zh: `推送地址${zh}`, en: `the address ${en}` },
    { rule: 'webhook.address', faults: [{ pointer: '/url', code: fault, detail: zh, detailEn: en }] },
  )
}
