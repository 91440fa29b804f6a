import type { Json } from '../base/json.ts'
import type { CaseMeans } from '../cases/apply.ts'
import type { FeedWatch } from '../cases/feed-watch.ts'
import type { Numbers } from '../cases/numbers.ts'
import type { CaseStreamsStep } from '../delivery/case-streams.ts'
import type { AddressGuard } from '../http/address-guard.ts'
import type { Validate } from '../http/validator.ts'
import type { Files } from '../materials/files.ts'
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
  streams: CaseStreamsStep
  numbers: Numbers
  validateApplication: Validate
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
