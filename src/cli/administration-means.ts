import { userInfo } from 'node:os'
import type { AdministrationMeans } from '../access/administration.ts'
import type { IdType } from '../base/canonical.ts'
import { idNumberFault, isCreditCode } from '../cases/rules/identifiers.ts'
import type { Ground } from '../ground.ts'

/** Whoever may run commands on this machine, with the keys of the data folder, is staff; the trace says who it was. */
export const CLI_RULE = 'administration.command-line'

export function administrationMeans(ground: Ground): AdministrationMeans {
  return {
    batch: ground.batch,
    clock: ground.clock,
    record: ground.trace.record,
    sealer: ground.keyring,
    staff: staffLogin(),
    rule: CLI_RULE,
    isCreditCode,
    isIdNumber: (idType, idNumber, today) =>
      PERSONAL_DOCUMENTS.has(idType) && idNumberFault(idType, idNumber, today) === null,
  }
}

/** Login of the person at the terminal; `cli` where the system has no name for the user. */
export function staffLogin(): string {
  try {
    return userInfo().username
  } catch {
    return 'cli'
  }
}

/** Kinds of id documents that a person can have. */
const PERSONAL_DOCUMENTS: ReadonlySet<string> = new Set<IdType>([
  'resident-id',
  'hk-macao-taiwan-id',
  'passport',
  'household-register',
  'military-id',
  'other',
])
