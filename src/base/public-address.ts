import { BlockList, isIP } from 'node:net'

type Family = 'ipv4' | 'ipv6'

/** What is not on the public internet, or only for one's own host or cloud (IANA special-purpose registries). */
const INNER_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // The metadata services of clouds among it.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // A metadata service on a public number.
  '168.63.129.16/32',
]
/** Of global unicast: protocol assignments (Teredo among them), documentation, 6to4, which hides an IPv4 address. */
const INNER_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const innerIpv4 = blockList(INNER_IPV4)
const innerIpv6 = blockList(INNER_IPV6)
const globalUnicast = blockList(['2000::/3'])
const mapped = blockList(['::ffff:0:0/96'])

/** Whether an address lies on the public internet; an IPv4 address in the form of an IPv6 one is judged as what it is. */
export function isPublicAddress(address: string): boolean {
  const family = familyOf(address)
  if (family === null) return false
  if (family === 'ipv4') return !innerIpv4.check(address, family)
  // Rules for IPv4 hold for mapped addresses too.
  if (mapped.check(address, family)) return !innerIpv4.check(address, family)
  return globalUnicast.check(address, family) && !innerIpv6.check(address, family)
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/')
    list.addSubnet(address, Number(bits), familyOf(address) ?? 'ipv4')
  }
  return list
}

/** Null for what is no address, and for one with a zone, which is never public. */
function familyOf(address: string): Family | null {
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0) return null
  return version === 4 ? 'ipv4' : 'ipv6'
}
