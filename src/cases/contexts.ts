import type { Contexts as ContextDocuments } from '../base/canonical.ts'
import type { Json } from '../base/json.ts'
import type { CaseDocument } from './document.ts'
import type { CaseHead } from './store.ts'

/** Constants of the county, as mappings see them. */
export type Site = ContextDocuments['site']

export interface MessageContext {
  /** UUID. */
  id: string
  /** BizMsgID, where the channel has such. */
  number?: string
  createdAt: Date
  /** Text that stands where the sender puts a file's content. */
  contentMarker?: string
}

export type Contexts = { readonly [name: string]: Json }

/** The fixed contexts that mappings read: case, message, operator, account, site. */
export function contexts(head: CaseHead, document: CaseDocument, message: MessageContext, site: Site): Contexts {
  return {
    case: {
      id: head.id,
      businessType: head.businessType,
      businessNumber: head.businessNumber,
      ...(head.platformNumber === null ? {} : { platformNumber: head.platformNumber }),
      ...(head.registryNumber === null ? {} : { registryNumber: head.registryNumber }),
    },
    operator: { ...document.filedBy.operator },
    account: { ...document.filedBy.account },
    ...messageContexts(message, site),
  }
}

/** Contexts of a message that belongs to no single case: look-ups and questions in batches. */
export function messageContexts(message: MessageContext, site: Site): Contexts {
  return {
    message: {
      id: message.id,
      ...(message.number === undefined ? {} : { number: message.number }),
      createdAt: message.createdAt.toISOString(),
      ...(message.contentMarker === undefined ? {} : { contentMarker: message.contentMarker }),
    },
    site: { ...site },
  }
}
