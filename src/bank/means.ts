import type { AddressList } from '../base/address-list.ts'
import type { Json } from '../base/json.ts'
import type { CaseMeans } from '../cases/apply.ts'
import type { FormField } from '../cases/correct.ts'
import type { FeedWatch } from '../cases/feed-watch.ts'
import type { Numbers } from '../cases/numbers.ts'
import type { CaseHold } from '../cases/store.ts'
import type { Step } from '../db/batch.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import type { AddressGuard } from '../http/address-guard.ts'
import type { Validate } from '../http/validator.ts'
import type { Files } from '../materials/files.ts'
import type { Desk } from '../queries/desk.ts'
import type { RefusalCounter } from '../trace/refusal-counter.ts'
import type { Signers } from '../trust/signer.ts'
import type { AuthenticateMeans } from './authenticate.ts'
import type { PerformMeans } from './perform.ts'
import type { WebhookClient } from './webhook-client.ts'

/** What the bank API needs of the rest of the gateway. */
export interface BankMeans extends PerformMeans {
  authenticate: AuthenticateMeans
  refusals: RefusalCounter
  signers: Signers
  cases: CaseMeans
  caseLock: Step<string, CaseHold | null>
  streams: CaseStreamsStep
  numbers: Numbers
  validateApplication: Validate
  validateAuthorization: Validate
  validateQuery: Validate
  desk: Desk
  /** The e-government extranet; whoever comes from elsewhere comes from the internet. */
  extranet: AddressList
  /** Division code of the county: where a query is about unless it says otherwise. */
  areaCode: string
  validateWithdrawal: Validate
  validateCorrection: Validate
  /** How the platform's forms call a member of an application. */
  formField: FormField
  feedWatch: FeedWatch
  webhooks: { guard: AddressGuard; client: WebhookClient }
  codes: { table(name: string): Json | undefined; names(): string[] }
  files: Files
  bodyLimitBytes: number
  materialLimitBytes: number
  uploadsAtOnce: number
  /** False while the disk is nearly full. */
  hasRoom(): boolean
}
