import type { AddressList } from '../base/address-list.ts'
import type { NetworkZone } from './scope.ts'

/** The zone of a caller: the e-government extranet where the site names its networks, else the internet. */
export function zoneOf(address: string, extranet: AddressList): NetworkZone {
  return extranet.has(address) ? 'egov' : 'internet'
}
