import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { type Clock, shanghaiDay } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import { blindIndexValue } from './blind-index.ts'
import { unwrapKey, type WrappedKey, wrapKey } from './master-key.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'
import { type DataKey, openPlainValue, openValue, plainValue, sealedKeyId, sealValue } from './seal.ts'

/** The sealed value's key is not loaded here: another node made it lately. `openAsync` fetches it. */
class UnknownKey extends Error {
  readonly keyId: string

  constructor(keyId: string) {
    super(`data key ${keyId} is not known`)
    this.name = 'UnknownKey'
    this.keyId = keyId
  }
}

export interface Keyring {
  /** Seals under the month's key. @param context `table/column/id` of where the value will lie. */
  seal(plain: Buffer | string, context: string): Buffer
  /** @throws {SealBroken} when it was changed or moved. @throws {UnknownKey} */
  open(sealed: Buffer, context: string): Buffer
  /** As `open`, but fetches a key that another node has made. */
  openAsync(sealed: Buffer, context: string): Promise<Buffer>
  /** 33 bytes by which an exact value can be found again: key version ‖ HMAC. @param purpose the kind of value. */
  blindIndex(purpose: string, value: string): Buffer
  /** Makes the keys of this month and the next where missing, and loads those of other nodes. To be called daily. */
  ensureKeys(): Promise<void>
  /** Wraps all data keys under a new master key; rows stay as they are. Other nodes must then start with it too. */
  rotateMaster(newMasterKey: Buffer): Promise<void>
}

const SEALING = 'seal'
const BLIND_INDEX = 'blind-index/1'
/** A blind index must find what was written years ago, so its key is of no month. */
const NO_MONTH = '-'

/**
 * All data keys, unwrapped, in memory; the months' keys are made here.
 * @param masterKey 32 bytes.
 * @param pool after migration.
 * @param sealing `off` only in tests, to show that their scan for clear text finds it.
 * @throws {StartRefused} `master-key-wrong`.
 */
export async function openKeyring(options: {
  masterKey: Buffer
  pool: Pool
  clock: Clock
  sealing?: 'on' | 'off'
}): Promise<Keyring> {
  const { pool, clock, sealing = 'on' } = options
  let { masterKey } = options
  const byId = new Map<string, KeyObject>()
  const byMonth = new Map<string, DataKey>()
  let blindKey: KeyObject | undefined
  let ensuring: Promise<void> | null = null

  function take(row: WrappedKey): void {
    if (byId.has(row.id)) return
    const key = unwrapKey(masterKey, row)
    byId.set(row.id, key)
    if (row.purpose === SEALING) byMonth.set(row.month, { id: row.id, key })
    if (row.purpose === BLIND_INDEX) blindKey = key
  }

  /** The month's key; should nobody have made it in time, that of the latest month before. */
  function sealingKey(): DataKey {
    const month = shanghaiDay(clock.now()).slice(0, 7)
    const exact = byMonth.get(month)
    if (exact !== undefined) return exact
    ensureKeys().catch(() => undefined)
    const earlier = [...byMonth.keys()].sort().findLast((known) => known < month) ?? [...byMonth.keys()].sort()[0]
    const key = earlier === undefined ? undefined : byMonth.get(earlier)
    if (key === undefined) throw new Error('the keyring is empty')
    return key
  }

  function open(sealed: Buffer, context: string): Buffer {
    if (sealing === 'off') {
      const plain = openPlainValue(sealed)
      if (plain !== null) return plain
    }
    const keyId = sealedKeyId(sealed, context)
    const key = byId.get(keyId)
    if (key === undefined) throw new UnknownKey(keyId)
    return openValue(key, sealed, context)
  }

  async function makeMissing(): Promise<void> {
    const [thisMonth, nextMonth] = monthsFrom(shanghaiDay(clock.now()).slice(0, 7))
    const wanted = [
      { month: thisMonth, purpose: SEALING },
      { month: nextMonth, purpose: SEALING },
      { month: NO_MONTH, purpose: BLIND_INDEX },
    ]
    const known = await readKeys(pool)
    for (const row of known) take(row)
    const isMissing = ({ month, purpose }: { month: string; purpose: string }): boolean =>
      !known.some((row) => row.month === month && row.purpose === purpose)
    if (!wanted.some(isMissing)) return
    const all = await inTransaction(pool, async (tx) => {
      await tx.query('lock table data_key in share row exclusive mode')
      const before = await readKeys(tx)
      // Were the master key rotated elsewhere meanwhile, a key wrapped under ours would be lost: prove that it is not.
      for (const row of before) unwrapKey(masterKey, row)
      for (const { month, purpose } of wanted) {
        const row = { id: newId(), month, purpose }
        await tx.query(
          `insert into data_key (id, month, purpose, wrapped) values ($1, $2, $3, $4)
            on conflict (month, purpose) do nothing`,
          [row.id, month, purpose, wrapKey(masterKey, row, createSecretKey(randomBytes(32)))],
        )
      }
      return readKeys(tx)
    })
    for (const row of all) take(row)
  }

  function ensureKeys(): Promise<void> {
    ensuring ??= makeMissing().finally(() => {
      ensuring = null
    })
    return ensuring
  }

  await ensureKeys()
  return {
    seal: (plain, context) => (sealing === 'off' ? plainValue(plain) : sealValue(sealingKey(), plain, context)),
    open,
    openAsync: async (sealed, context) => {
      try {
        return open(sealed, context)
      } catch (error) {
        if (!(error instanceof UnknownKey)) throw error
        for (const row of await readKeys(pool)) take(row)
        return open(sealed, context)
      }
    },
    blindIndex: (purpose, value) => {
      if (blindKey === undefined) throw new Error('the keyring is empty')
      return blindIndexValue(1, blindKey, purpose, value)
    },
    ensureKeys,
    rotateMaster: async (newMasterKey) => {
      if (newMasterKey.length !== 32) throw new RangeError('a master key has 32 bytes')
      await inTransaction(pool, async (tx) => {
        await tx.query('lock table data_key in share row exclusive mode')
        for (const row of await readKeys(tx)) {
          const wrapped = wrapKey(newMasterKey, row, unwrapKey(masterKey, row))
          await tx.query('update data_key set wrapped = $2 where id = $1', [row.id, wrapped])
        }
      })
      masterKey = newMasterKey
    },
  }
}

async function readKeys(db: Queryable): Promise<WrappedKey[]> {
  const { rows } = await db.query<WrappedKey>('select id, month, purpose, wrapped from data_key order by id')
  return rows
}

/** `yyyy-MM` and the one after. */
function monthsFrom(month: string): [string, string] {
  const [year = 0, number = 0] = month.split('-').map(Number)
  const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`
  return [month, next]
}
