import { userInfo } from 'node:os'
import type { AdministrationMeans } from '../access/administration.ts'
import { idNumberFault, isCreditCode } from '../cases/rules/identifiers.ts'
import { loadConfig } from '../config.ts'
import { type Ground, openGround } from '../ground.ts'
import { openLogger } from '../logger.ts'

/** Whoever may run commands on this machine with the data folder's keys is staff. */
export const CLI_RULE = 'staff.local-login'

/** Does its work on the store, beside a running gateway or alone; the embedded server is adopted or started. */
export async function withGround<T>(env: NodeJS.ProcessEnv, work: (ground: Ground) => Promise<T>): Promise<T> {
  const ground = await openGround(loadConfig(env), openLogger('silent', 2), { serves: false })
  try {
    return await work(ground)
  } finally {
    await ground.close()
  }
}

export function administrationMeans(ground: Ground): AdministrationMeans {
  const { batch, clock, trace, keyring } = ground
  return {
    batch,
    clock,
    record: trace.record,
    sealer: keyring,
    staff: staffLogin(),
    rule: CLI_RULE,
    isCreditCode,
    isIdNumber: (idType, idNumber, today) => ID_TYPES.has(idType) && idNumberFault(idType, idNumber, today) === null,
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

const ID_TYPES: ReadonlySet<string> = new Set([ID_TYPE_LIST])
