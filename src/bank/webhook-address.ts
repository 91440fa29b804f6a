import { Problem } from '../base/problem.ts'
import type { AddressGuard } from '../http/address-guard.ts'

const LENGTH_MAXIMUM = 1000

/**
 * An address that results may be pushed to, in its one spelling: https on a host whose addresses are all public. What
 * the host resolves to is checked now, for the bank to hear of it, and again at each connection.
 * @throws {Problem} webhook-address-invalid, -inner, -unresolved; with the fault at `/url`.
 */
export async function checkedAddress(given: unknown, guard: AddressGuard): Promise<string> {
  const url = wellFormed(given)
  const fault = await guard.check(url)
  if (fault === 'unresolved') {
    throw refused('webhook-address-unresolved', 'host-unresolved', '主机名无法解析', 'the host does not resolve')
  }
  if (fault === 'inner') {
    throw refused(
      'webhook-address-inner',
      'address-inner',
      '主机名或地址指向内部、本机、保留或组播网络',
      'the host leads to an inner, local, reserved or multicast address',
    )
  }
  if (fault === 'plain') throw refused('webhook-address-invalid', 'https-required', '应为 https', 'must be https')
  return url.href
}

function wellFormed(given: unknown): URL {
  if (typeof given !== 'string' || given.length > LENGTH_MAXIMUM || !/^https?:\/\/[\x21-\x7e]+$/.test(given)) {
    throw refused(
      'webhook-address-invalid',
      'address-malformed',
      `应为 https 地址，至多 ${LENGTH_MAXIMUM} 个 ASCII 字符`,
      `must be an https address of at most ${LENGTH_MAXIMUM} ASCII characters`,
    )
  }
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw refused('webhook-address-invalid', 'address-malformed', '不是有效的地址', 'is no address')
  }
  if (/^https?:\/\/[^/?]*@/.test(given)) {
    throw refused(
      'webhook-address-invalid',
      'address-with-credentials',
      '不得含用户名或密码',
      'must not hold credentials',
    )
  }
  if (given.includes('#')) {
    throw refused('webhook-address-invalid', 'address-with-fragment', '不得含片段（#）', 'must not have a fragment')
  }
  return url
}

function refused(
  code: 'webhook-address-invalid' | 'webhook-address-inner' | 'webhook-address-unresolved',
  fault: string,
  zh: string,
  en: string,
): Problem {
  return new Problem(
    code,
    { zh: `推送地址${zh}`, en: `the address: ${en}` },
    { rule: 'webhook.address', faults: [{ pointer: '/url', code: fault, detail: zh, detailEn: en }] },
  )
}
