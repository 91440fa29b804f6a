import { BlockList, isIP } from 'node:net'

/** Networks in CIDR notation, asked about addresses of connections. */
export interface AddressList {
  has(address: string): boolean
}

/** @param networks each as `10.1.0.0/16` or `fd00::/8`; a lone address is itself. @throws {Error} naming one that is none. */
export function addressList(networks: readonly string[]): AddressList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const version = isIP(address)
    if (version === 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)))
      throw new Error(`${network} is no network`)
    list.addSubnet(address, prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix), family(version))
  }
  return {
    has: (given) => {
      // What came by IPv4 to a socket for both.
      const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(given)?.[1] ?? given.replace(/%.*$/, '')
      const version = isIP(address)
      return version !== 0 && list.check(address, family(version))
    },
  }
}

function family(version: number): 'ipv4' | 'ipv6' {
  return version === 4 ? 'ipv4' : 'ipv6'
}
