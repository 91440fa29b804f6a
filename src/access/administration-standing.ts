import { updateSet } from '../db/row-set.ts'
import { type AdministrationMeans, changeAccess, type Statement } from './administration.ts'
import { closed, notFound } from './administration-checks.ts'
import type { Standing } from './snapshot.ts'

/** What can be suspended, by what people call it. */
export type Subject =
  | { kind: 'bank'; code: string }
  | { kind: 'branch'; code: string }
  | { kind: 'account'; bank: string; name: string }
  | { kind: 'operator'; bank: string; code: string }
  /** By lower-case hex SHA-256 of its DER. A certificate cannot be closed, only suspended. */
  | { kind: 'certificate'; fingerprint: string }

export interface StandingChange {
  before: Standing
  /** False when it stood so already: nothing was written. */
  changed: boolean
}

type StateRow = { id: string; state: string }

const standingRows = {
  bank: updateSet<StateRow>('bank', 40, 'id', { id: 'uuid', state: 'text' }, 'bank state'),
  branch: updateSet<StateRow>('branch', 41, 'id', { id: 'uuid', state: 'text' }, 'branch state'),
  account: updateSet<StateRow>('account', 42, 'id', { id: 'uuid', state: 'text' }, 'account state'),
  operator: updateSet<StateRow>('operator', 44, 'id', { id: 'uuid', state: 'text' }, 'operator state'),
} as const
const certificateRows = updateSet<{ fingerprint: string; state: string }>(
  'account_certificate',
  43,
  'fingerprint',
  { fingerprint: 'text', state: 'text' },
  'certificate state',
)

const titles = {
  bank: { zh: '银行', en: 'bank' },
  branch: { zh: '服务点', en: 'branch' },
  account: { zh: '账号', en: 'account' },
  operator: { zh: '业务办理人员', en: 'operator' },
  certificate: { zh: '证书', en: 'certificate' },
} as const

const words: Readonly<Record<Standing, string>> = { active: 'resumed', suspended: 'suspended', closed: 'closed' }

/**
 * Suspends (`suspended`), resumes (`active`) or closes for good. Holds for the next request on every node.
 * @param why kept sealed with the trace record.
 * @throws {Problem} administration-not-found, -closed.
 */
export function changeStanding(
  subject: Subject,
  to: Standing,
  why: string | null,
  means: AdministrationMeans,
): Promise<StandingChange> {
  const title = titles[subject.kind]
  return changeAccess<'found', StandingChange>({ found: lookUp(subject) }, means, ({ found }, rows) => {
    const row = found[0]
    if (row === undefined) throw notFound(`没有这个${title.zh}`, `there is no such ${title.en}`)
    const before = row['state'] as Standing
    if (before === to) return { result: { before, changed: false }, told: null }
    if (before === 'closed') {
      throw closed(`该${title.zh}已注销，不能恢复`, `the ${title.en} is closed for good`)
    }
    const id = String(row['id'])
    if (subject.kind === 'certificate') {
      if (to === 'closed') throw new Error('a certificate cannot be closed')
      rows.add(certificateRows, { fingerprint: id, state: to })
    } else rows.add(standingRows[subject.kind], { id, state: to })
    return {
      result: { before, changed: true },
      told: {
        what: `${subject.kind}-${words[to]}`,
        facts: { [subject.kind === 'certificate' ? 'fingerprint' : `${subject.kind}Id`]: id, before, after: to },
        ...(why === null ? {} : { given: { why } }),
      },
    }
  })
}

function lookUp(subject: Subject): Statement {
  switch (subject.kind) {
    case 'bank':
      return { text: 'select id, state from bank where code = $1', values: [subject.code] }
    case 'branch':
      return { text: 'select id, state from branch where code = $1', values: [subject.code] }
    case 'account':
      return {
        text: `select a.id, a.state from account a join bank b on b.id = a.bank_id where b.code = $1 and a.name = $2`,
        values: [subject.bank, subject.name],
      }
    case 'operator':
      return {
        text: `select o.id, o.state from operator o join bank b on b.id = o.bank_id where b.code = $1 and o.code = $2`,
        values: [subject.bank, subject.code],
      }
    case 'certificate':
      return {
        text: 'select fingerprint as id, state from account_certificate where fingerprint = $1',
        values: [subject.fingerprint],
      }
    default:
      return subject satisfies never
  }
}
