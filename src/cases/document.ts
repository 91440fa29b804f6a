import type { NormalisedCase } from './application.ts'

/** Who files, as it is to stand in messages whatever changes later. */
interface FiledBy {
  operator: { id: string; name: string; phone?: string; idType?: string; idNumber?: string }
  account: { id: string; bankName: string; bankCode: string }
}

/** The document that is kept: the normalised application with what the gateway knows of its filer and its files. */
export interface CaseDocument extends NormalisedCase {
  filedBy: FiledBy
}
