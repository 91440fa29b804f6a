import { BlockList, isIP, isIPv6 } from 'node:net'
import type { NetworkZone } from './scope.ts'

/** Networks in CIDR form, as settings list them: `10.0.0.0/8,fd00::/8`. */
export interface Networks {
  has(address: string): boolean
}

/** @throws {RangeError} naming what is no network. */
export function networks(list: readonly string[]): Networks {
  const blocks = new BlockList()
  for (const one of list) {
    const [address = '', bits, ...rest] = one.split('/')
    const family = isIP(address)
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (family === 0 || rest.length > 0 || !(prefix >= 0 && prefix <= (family === 4 ? 32 : 128)))
      throw new RangeError(`${one} is no network`)
    blocks.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return {
    has: (address) => {
      // An IPv4 caller on a dual-stack socket.
      const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
      if (isIP(plain) === 0) return false
      return blocks.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
    },
  }
}

/** The zone of a caller: the e-government extranet where the site names its networks, else the internet. */
export function zoneOf(address: string, extranet: Networks): NetworkZone {
  return extranet.has(address) ? 'egov' : 'internet'
}
