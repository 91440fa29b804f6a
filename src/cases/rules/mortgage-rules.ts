import { compareDecimal } from '../../base/money.ts'
import type { Fault } from '../../base/problem.ts'
import type { Mortgage, Period } from '../application.ts'
import type { PlacedPart } from '../normalise.ts'
import { isRealDate } from './dates.ts'
import { type RuleFaultCode, ruleFault } from './faults.ts'
import type { RuleCheck } from './rule-context.ts'

/** Faults of what is agreed: the amount and period that its kind needs, and no other. */
export function mortgageFaults(placed: PlacedPart, check: RuleCheck): Fault[] {
  const { mortgage } = placed.part
  const pointer = `${placed.pointer}/mortgage`
  if (mortgage === undefined) return [ruleFault(placed.pointer, 'mortgage-missing')]
  const faults = [
    ...kindFaults(pointer, mortgage),
    ...amountFaults(`${pointer}/securedAmount`, mortgage.securedAmount),
    ...amountFaults(`${pointer}/maximumAmount`, mortgage.maximumAmount),
    ...periodFaults(`${pointer}/term`, mortgage.term),
    ...periodFaults(`${pointer}/determinationPeriod`, mortgage.determinationPeriod),
  ]
  const { signedOn } = mortgage
  if (signedOn !== undefined && !isRealDate(signedOn)) faults.push(ruleFault(`${pointer}/signedOn`, 'date-invalid'))
  else if (signedOn !== undefined && signedOn > check.today) {
    faults.push(ruleFault(`${pointer}/signedOn`, 'date-in-future'))
  }
  if (mortgage.scope === undefined) faults.push(ruleFault(pointer, 'scope-missing'))
  if (mortgage.transferRestricted === undefined) faults.push(ruleFault(pointer, 'transfer-restriction-missing'))
  return faults
}

/** An amount in 元: above zero, at most two decimals. */
export function amountFaults(pointer: string, amount: string | undefined): Fault[] {
  if (amount === undefined) return []
  const isAmount = /^(0|[1-9]\d{0,12})(\.\d{1,2})?$/.test(amount) && compareDecimal(amount, '0') > 0
  return isAmount ? [] : [ruleFault(pointer, 'amount-invalid')]
}

function kindFaults(pointer: string, mortgage: Mortgage): Fault[] {
  const faults: Fault[] = []
  const needs = (member: keyof Mortgage, code: RuleFaultCode): void => {
    if (mortgage[member] === undefined) faults.push(ruleFault(pointer, code))
  }
  const forbids = (member: keyof Mortgage, code: RuleFaultCode): void => {
    if (mortgage[member] !== undefined) faults.push(ruleFault(`${pointer}/${member}`, code))
  }
  if (mortgage.kind === 'maximum') {
    needs('maximumAmount', 'maximum-amount-missing')
    needs('determinationPeriod', 'determination-period-missing')
    forbids('securedAmount', 'secured-amount-unexpected')
  } else if (mortgage.kind === 'ordinary') {
    needs('securedAmount', 'secured-amount-missing')
    needs('term', 'term-missing')
    forbids('maximumAmount', 'maximum-amount-unexpected')
    forbids('determinationPeriod', 'determination-period-unexpected')
  } else faults.push(ruleFault(`${pointer}/kind`, 'mortgage-kind-invalid'))
  return faults
}

function periodFaults(pointer: string, period: Period | undefined): Fault[] {
  if (period === undefined) return []
  const unreal = (['from', 'to'] as const).filter((end) => !isRealDate(period[end]))
  if (unreal.length > 0) return unreal.map((end) => ruleFault(`${pointer}/${end}`, 'date-invalid'))
  return period.from > period.to ? [ruleFault(pointer, 'period-reversed')] : []
}
