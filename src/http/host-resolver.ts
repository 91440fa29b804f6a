import dns from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

export interface ResolvedAddress {
  address: string
  family: number
}

/** Gives every address of a host, or throws; nobody waits for it any more once `signal` aborts. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly ResolvedAddress[]>

const HOSTS_FILE = '/etc/hosts'
/** Of one question to one name server; the second of two tries waits twice as long. */
const TRY_MS = 1500
const TRIES = 2

/**
 * Addresses of a host whose name somebody gave us: from the hosts file, else by asking the name servers here, without the
 * system's resolver. That one holds a thread of few until it has given up, so that somebody's slow names would keep
 * everything else in this process from finding its counterparty. Names are complete: no search list is tried.
 */
export const resolveHost: Resolve = async (host, signal) => {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'].map(toResolved)
  const listed = addressesIn(await readFile(HOSTS_FILE, 'utf8').catch(() => ''), name)
  if (listed.length > 0) return listed.map(toResolved)
  signal.throwIfAborted()
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES })
  resolver.setServers(dns.getServers())
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    // Only what was found here is connected to: a family that nobody answers for hides nothing.
    if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
    return [four, six].flatMap((found) => (found.status === 'fulfilled' ? found.value : [])).map(toResolved)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function addressesIn(hosts: string, name: string): string[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    return isIP(address) !== 0 && names.includes(name) ? [address] : []
  })
}

function toResolved(address: string): ResolvedAddress {
  return { address, family: isIP(address) }
}
