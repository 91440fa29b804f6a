import { Problem } from '../base/problem.ts'
import type { Step } from '../db/batch.ts'
import type { Queryable } from '../db/pool.ts'
import { insertSet, type RowSet, updateSet } from '../db/row-set.ts'

export type WebhookState = 'pending' | 'approved' | 'suspended'

export interface Webhook {
  bankId: string
  /** Who set it. */
  accountId: string
  url: string
  state: WebhookState
  /** Feed number of the last event that was delivered; 0 before the first. */
  cursor: number
  setAt: Date
  decidedAt: Date | null
}

/** The webhook of a bank under lock, one object for all members of a batch; null while none is set. */
export interface WebhookHold {
  webhook: Webhook | null
}

interface WebhookRow {
  bank_id: string
  account_id: string
  url: string
  state: WebhookState
  cursor: number
  set_at: Date
  decided_at: Date | null
}

const columns = 'bank_id, account_id, url, state, cursor, set_at, decided_at'

/** The lock of the webhook of a bank. Taken before that of its stream. */
export const webhookLock: Step<string, WebhookHold> = {
  name: 'webhook',
  order: 65,
  run: async (tx, asks) => {
    const bankIds = [...new Set(asks)].sort()
    const { rows } = await tx.query<WebhookRow>({
      name: 'webhook-lock',
      text: `select ${columns} from webhook where bank_id = any($1::uuid[]) order by bank_id for update`,
      values: [bankIds],
    })
    const holds = new Map<string, WebhookHold>(bankIds.map((bankId) => [bankId, { webhook: null }]))
    for (const row of rows) holds.set(row.bank_id, { webhook: toWebhook(row) })
    return asks.map((bankId) => holds.get(bankId) as WebhookHold)
  },
}

/** The row as it stands when the transaction's rows are written; set for the first time or changed. */
export const webhookRows: RowSet<Webhook> = {
  name: 'webhook',
  order: 130,
  key: (row) => row.bankId,
  write: (tx, rows) => storedWebhooks.write(tx, rows.map(toRow)),
}

const storedWebhooks = insertSet<WebhookRow>(
  'webhook',
  130,
  {
    bank_id: 'uuid',
    account_id: 'uuid',
    url: 'text',
    state: 'text',
    cursor: 'bigint',
    set_at: 'timestamptz',
    decided_at: 'timestamptz',
  },
  {
    onConflict: `(bank_id) do update set account_id = excluded.account_id, url = excluded.url, state = excluded.state,
      set_at = excluded.set_at, decided_at = excluded.decided_at`,
  },
)

/** How far each bank's feed was delivered. */
export const webhookCursors = updateSet<{ bank_id: string; cursor: number }>('webhook', 131, 'bank_id', {
  bank_id: 'uuid',
  cursor: 'bigint',
})

function toWebhook(row: WebhookRow): Webhook {
  return {
    bankId: row.bank_id,
    accountId: row.account_id,
    url: row.url,
    state: row.state,
    cursor: row.cursor,
    setAt: row.set_at,
    decidedAt: row.decided_at,
  }
}

function toRow(webhook: Webhook): WebhookRow {
  return {
    bank_id: webhook.bankId,
    account_id: webhook.accountId,
    url: webhook.url,
    state: webhook.state,
    cursor: webhook.cursor,
    set_at: webhook.setAt,
    decided_at: webhook.decidedAt,
  }
}

/** @throws {Problem} webhook-not-found. */
export async function readWebhook(db: Queryable, bankId: string): Promise<Webhook> {
  const { rows } = await db.query<WebhookRow>({
    name: 'webhook',
    text: `select ${columns} from webhook where bank_id = $1`,
    values: [bankId],
  })
  if (rows[0] !== undefined) return toWebhook(rows[0])
  throw new Problem(
    'webhook-not-found',
    { zh: '本行未设置推送地址，请先 PUT /v1/webhook', en: 'no webhook is set; PUT /v1/webhook first' },
    { rule: 'webhook.of-bank' },
  )
}

/** Banks with a webhook, in whatever state. */
export async function webhookBanks(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ bank_id: string }>({
    name: 'webhook-banks',
    text: 'select bank_id from webhook order by bank_id',
  })
  return rows.map((row) => row.bank_id)
}

/** Where pushes of a bank go now, and how they are signed. */
export interface OpenWebhook {
  url: string
  answerAlgorithm: 'p256' | 'sm2'
}

/**
 * Whoever may not ask is not pushed to either: the address must be approved, and bank, agreement and the account that set
 * it in force on `day` (`yyyy-MM-dd`, Asia/Shanghai).
 */
const OPEN = `w.state = 'approved' and b.state = 'active' and a.state = 'active'
  and $1::date between b.agreement_from and b.agreement_to and $1::date between a.valid_from and a.valid_to`

/** Null while nothing may be pushed. */
export async function openWebhook(db: Queryable, bankId: string, day: string): Promise<OpenWebhook | null> {
  const { rows } = await db.query<{ url: string; answer_algorithm: 'p256' | 'sm2' }>({
    name: 'webhook-open',
    text: `select w.url, a.answer_algorithm from webhook w
             join bank b on b.id = w.bank_id join account a on a.id = w.account_id
            where w.bank_id = $2 and ${OPEN}`,
    values: [day, bankId],
  })
  const row = rows[0]
  return row === undefined ? null : { url: row.url, answerAlgorithm: row.answer_algorithm }
}

/** Webhooks that are behind their bank's feed while nothing of theirs is live. */
export async function behindFeed(
  db: Queryable,
  day: string,
  channel: string,
): Promise<{ bankId: string; cursor: number }[]> {
  const { rows } = await db.query<{ bank_id: string; cursor: number }>({
    name: 'webhook-behind',
    text: `select w.bank_id, w.cursor from webhook w
             join bank b on b.id = w.bank_id join account a on a.id = w.account_id
             join feed_counter f on f.bank_id = w.bank_id
            where f.last > w.cursor and ${OPEN}
              and not exists (select from message m where m.case_id = w.bank_id and m.channel = $2)
            order by w.bank_id`,
    values: [day, channel],
  })
  return rows.map((row) => ({ bankId: row.bank_id, cursor: row.cursor }))
}

export interface ListedWebhook {
  /** 统一社会信用代码 of the bank. */
  bank: string
  bankName: string
  account: string
  url: string
  state: WebhookState
  cursor: number
  /** Events that have not been delivered. */
  behind: number
  /** State and reason of the message that waits; null when none does. */
  waiting: string | null
  setAt: Date
}

/** @param bank the code of one bank; null: all that have a webhook. */
export async function listWebhooks(db: Queryable, channel: string, bank: string | null): Promise<ListedWebhook[]> {
  const { rows } = await db.query<ListedWebhook>(
    `select b.code as bank, b.name as "bankName", a.name as account, w.url, w.state, w.cursor,
            coalesce(f.last, 0) - w.cursor as behind, concat_ws(': ', m.state, m.why) as waiting, w.set_at as "setAt"
       from webhook w join bank b on b.id = w.bank_id join account a on a.id = w.account_id
       left join feed_counter f on f.bank_id = w.bank_id
       left join message m on m.case_id = w.bank_id and m.channel = $1
      where $2::text is null or b.code = $2
      order by b.code`,
    [channel, bank],
  )
  return rows.map((row) => ({ ...row, waiting: row.waiting === '' ? null : row.waiting }))
}
