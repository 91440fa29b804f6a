import { Problem } from '../base/problem.ts'

const refusals = {
  'case-ended': {
    zh: '办件已办结或终止，不能再撤回或补正',
    en: 'the case has ended: nothing can be asked of it',
    rule: 'case.open',
  },
  'withdrawal-pending': {
    zh: '撤回申请正在等待登记机构答复',
    en: 'a withdrawal awaits the word of the registry',
    rule: 'withdrawal.once',
  },
  'correction-not-open': {
    zh: '没有待答复的补正：未要求补正、已答复，或登记机构已继续办理',
    en: 'no correction is open: none was asked, it was answered, or the registry has gone on',
    rule: 'correction.open',
  },
  'correction-round-wrong': {
    zh: '待答复的补正是另一轮，或须指明部分',
    en: 'another round is open, or the part must be named',
    rule: 'correction.round',
  },
} as const

/** Why a case takes no withdrawal or correction now. */
export function requestRefused(code: keyof typeof refusals): Problem {
  const { zh, en, rule } = refusals[code]
  return new Problem(
    code,
    { zh, en },
    {
      rule,
      faults:
        code === 'correction-round-wrong'
          ? [{ pointer: '/round', code, detail: '轮次不符', detailEn: 'another round' }]
          : [],
    },
  )
}
