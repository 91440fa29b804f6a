import type { Step } from '../db/batch.ts'

export interface ReferenceAsk {
  bankId: string
  reference: string
  caseId: string
}

/** Gate: a bank that lost its idempotency key cannot double a case. Gives the case that has the reference. */
export const referenceGate: Step<ReferenceAsk, { won: boolean; caseId: string }> = {
  name: 'bank-reference',
  order: 40,
  run: async (tx, asks) => {
    const sorted = [...asks].sort((a, b) =>
      a.bankId < b.bankId
        ? -1
        : a.bankId > b.bankId
          ? 1
          : a.reference < b.reference
            ? -1
            : a.reference > b.reference
              ? 1
              : 0,
    )
    const banks = sorted.map((ask) => ask.bankId)
    const references = sorted.map((ask) => ask.reference)
    const { rows: claimed } = await tx.query<{ case_id: string }>({
      name: 'bank-reference-claim',
      text: `insert into bank_reference (bank_id, reference, case_id)
             select * from unnest($1::uuid[], $2::text[], $3::uuid[]) on conflict do nothing
             returning case_id`,
      values: [banks, references, sorted.map((ask) => ask.caseId)],
    })
    if (claimed.length === asks.length) return asks.map(({ caseId }) => ({ won: true, caseId }))
    const { rows } = await tx.query<{ bank_id: string; reference: string; case_id: string }>({
      name: 'bank-reference-holders',
      text: `select r.* from bank_reference r
             join (select distinct * from unnest($1::uuid[], $2::text[]) as v(bank_id, reference)) v using (bank_id, reference)`,
      values: [banks, references],
    })
    const holders = new Map(rows.map((row) => [`${row.bank_id}\n${row.reference}`, row.case_id]))
    return asks.map((ask) => {
      const caseId = holders.get(`${ask.bankId}\n${ask.reference}`) ?? ''
      return { won: caseId === ask.caseId, caseId }
    })
  },
}
