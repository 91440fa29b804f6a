import { userInfo } from 'node:os'
import type { AdministrationMeans } from '../access/administration.ts'
import { idNumberFault, isCreditCode } from '../cases/rules/identifiers.ts'
import type { Ground } from '../ground.ts'

/** Administration on this machine: whoever may run its commands may change access; the trace says who it was. */
export function administrationMeans(ground: Ground): AdministrationMeans {
  return {
    batch: ground.batch,
    clock: ground.clock,
    record: ground.trace.record,
    sealer: ground.keyring,
    staff: userInfo().username,
    rule: 'administration.command-line',
    isCreditCode,
    isIdNumber: (idType, idNumber, today) => idNumberFault(idType, idNumber, today) === null,
  }
}
