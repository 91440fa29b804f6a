import type { RegistryCase, Withdrawal } from './registry-case.ts'
import type { RegistryMessage } from './registry-message.ts'
import type { Complaint } from './registry-rules.ts'

/** Neither ended nor recorded: a correction may be asked of it, and it may be withdrawn. */
export function isOpen(filed: RegistryCase): boolean {
  return filed.ended === undefined && filed.reached.recorded === undefined
}

export function pendingWithdrawal(filed: RegistryCase): Withdrawal | undefined {
  return filed.withdrawals.find(({ decision }) => decision === 'pending')
}

/** A withdrawal is that of the whole filing, by its own numbers. */
export function withdrawalComplaints(filed: RegistryCase, message: RegistryMessage): Complaint[] {
  const complaints: Complaint[] = []
  const complain = (place: string, text: string): void => {
    complaints.push({ code: '1002', place, text })
  }
  for (const { name, attributes } of message.rows) {
    const { YWH, YWLSH, SLBH } = attributes
    if (name === 'JH_CH' && YWLSH !== filed.businessNumber) complain('Data/JH_CH/@YWLSH', '与业务流水号不一致')
    if (name === 'JH_CH' && SLBH !== undefined && SLBH !== filed.slbh)
      complain('Data/JH_CH/@SLBH', '不是该办件的受理编号')
    if (name !== 'DJF_DJ_SJ') continue
    if (!filed.parts.some(({ ywh, givenYwh }) => YWH === ywh || YWH === givenYwh)) {
      complain('Data/DJF_DJ_SJ/@YWH', '不属于该办件')
    }
    if (attributes.SFBCSJ !== '1') complain('Data/DJF_DJ_SJ/@SFBCSJ', '补充收件应为 1')
  }
  return complaints
}

export function askWithdrawal(filed: RegistryCase, message: RegistryMessage, now: Date): void {
  const reason = message.rows.find(({ name }) => name === 'JH_CH')?.attributes.CHYY ?? ''
  filed.withdrawals.push({ askedAt: now, reason, decision: 'pending', decidedAt: undefined })
}

/** Decides about the withdrawal that is pending; what has been recorded in the meantime is not undone. */
export function decideWithdrawal(filed: RegistryCase, isGranted: boolean, now: Date): void {
  const pending = pendingWithdrawal(filed)
  if (pending === undefined) return
  const isPossible = isGranted && isOpen(filed)
  pending.decision = isPossible ? 'granted' : 'refused'
  pending.decidedAt = now
  if (isPossible) filed.ended = { how: 'withdrawn', at: now }
}
