import { isIP, type LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { addressList } from '../base/address-list.ts'
import { isPublicAddress } from '../base/public-address.ts'
import { type Resolve, type ResolvedAddress, resolveHost } from './host-resolver.ts'

/** Why an address that somebody gave us is not called. */
type AddressFault = 'unresolved' | 'inner' | 'plain'

/**
 * Holds addresses that others gave us to the public internet, so that nobody reaches into our own network through us.
 * A host passes only if every one of its addresses does. Inner addresses, and plain http, pass only where the site named
 * their range.
 */
export interface AddressGuard {
  /** Resolves the host of an http or https address now; null when it may be called. */
  check(url: URL): Promise<AddressFault | null>
  /** Like `check`, without asking anybody: what an address in numbers, which no lookup will see, already tells. */
  checkLiteral(url: URL): AddressFault | null
  /** For sockets: the addresses that were checked are those that are connected to, so a second answer changes nothing. */
  lookupFor(protocol: 'http:' | 'https:'): LookupFunction
}

/** The code of the error that ends a connection to an address that is not called, before it is made. */
export const ADDRESS_REFUSED = 'EADDRESSREFUSED'
const RESOLVE_MS = 5000

/**
 * @param allow ranges (`10.1.0.0/16`) in which inner addresses and plain http are called too.
 * @param resolve the hosts file and the name servers by default.
 */
export function addressGuard(allow: readonly string[], resolve: Resolve = resolveHost): AddressGuard {
  const allowed = addressList(allow)
  const fault = (protocol: string, addresses: readonly ResolvedAddress[]): AddressFault | null => {
    if (addresses.length === 0) return 'unresolved'
    if (!addresses.every(({ address }) => isPublicAddress(address) || allowed.has(address))) return 'inner'
    if (protocol !== 'https:' && !addresses.every(({ address }) => allowed.has(address))) return 'plain'
    return null
  }
  return {
    check: async (url) => {
      const literal = literalOf(url)
      if (literal !== null) return fault(url.protocol, literal)
      try {
        return fault(url.protocol, await inTime(resolve, url.hostname))
      } catch {
        return 'unresolved'
      }
    },
    checkLiteral: (url) => {
      const literal = literalOf(url)
      return literal === null ? null : fault(url.protocol, literal)
    },
    lookupFor: (protocol) => (host, options, done) => {
      const answer = async (): Promise<void> => {
        const addresses = await inTime(resolve, host).catch(() => [])
        const [first] = addresses
        const found = first === undefined ? 'unresolved' : fault(protocol, addresses)
        if (first === undefined || found !== null) {
          const code = found === 'unresolved' ? 'ENOTFOUND' : ADDRESS_REFUSED
          done(Object.assign(new Error(`${code} ${host}`), { code, syscall: 'getaddrinfo' }), [])
        } else if (options.all === true) done(null, [...addresses])
        else done(null, first.address, first.family)
      }
      void answer()
    },
  }
}

/** Null for a name. */
function literalOf({ hostname }: URL): ResolvedAddress[] | null {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(address)
  return family === 0 ? null : [{ address, family }]
}

/** Names may take far longer than anybody waits. */
async function inTime(resolve: Resolve, host: string): Promise<readonly ResolvedAddress[]> {
  const stop = new AbortController()
  try {
    const late = sleep(RESOLVE_MS, null, { signal: stop.signal, ref: false }).then(() => {
      throw new Error('not resolved in time')
    })
    return await Promise.race([resolve(host, stop.signal), late])
  } finally {
    stop.abort()
  }
}
