import { type Fault, Problem } from '../base/problem.ts'

/** 业务类型 that an account can be granted. */
export const businessTypes = [
  'query',
  'mortgage-first',
  'mortgage-change',
  'mortgage-cancel',
  'presale-notice',
  'mortgage-notice',
  'notice-to-mortgage',
  'combined',
] as const

const OPERATOR_CODE = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
/** Begins with a letter or digit; no control or formatting character, so that it shows as what it is. */
const NAME = /^[\p{L}\p{N}][^\p{C}\p{Zl}\p{Zp}]{0,99}$/u
const PHONE = /^[0-9+][0-9 ()-]{4,29}$/

/** Faults of what was given, gathered so that all are told at once. */
export class GivenFaults {
  readonly #list: Fault[] = []

  /** @param member of what was given. */
  add(member: string, code: string, detail: string, detailEn: string): void {
    this.#list.push({ pointer: `/${member}`, code, detail, detailEn })
  }

  name(member: string, value: string): void {
    if (NAME.test(value) && value === value.trimEnd()) return
    this.add(
      member,
      'name-invalid',
      '应为 1 至 100 个字符，以文字或数字开头，不含控制字符',
      'must have 1 to 100 characters, begin with a letter or digit and hold no control characters',
    )
  }

  creditCode(member: string, value: string, isCreditCode: (code: string) => boolean): void {
    if (isCreditCode(value)) return
    this.add(
      member,
      'credit-code-invalid',
      '不是有效的统一社会信用代码（18 位，含校验位）',
      'is no valid unified social credit code (18 characters with their check)',
    )
  }

  /** Two days `yyyy-MM-dd`, both included. */
  period(fromMember: string, from: string, untilMember: string, until: string): void {
    let isReal = true
    for (const [member, day] of [
      [fromMember, from],
      [untilMember, until],
    ] as const) {
      if (isRealDay(day)) continue
      isReal = false
      this.add(member, 'date-invalid', '应为日期 yyyy-MM-dd', 'must be a date yyyy-MM-dd')
    }
    if (isReal && from > until)
      this.add(untilMember, 'period-reversed', '截止日早于起始日', 'the last day is before the first')
  }

  businessTypes(member: string, values: readonly string[]): void {
    const known: readonly string[] = businessTypes
    const unknown = values.filter((value) => !known.includes(value))
    if (values.length > 0 && unknown.length === 0) return
    this.add(
      member,
      'business-type-unknown',
      `应为以下业务类型之一或多个：${known.join('、')}`,
      `must be one or several of ${known.join(', ')}`,
    )
  }

  areas(member: string, values: readonly string[]): void {
    if (values.length > 0 && values.every((value) => /^\d{6}$/.test(value))) return
    this.add(
      member,
      'area-invalid',
      '应为一个或多个 6 位行政区划代码',
      'must be one or several division codes of six digits',
    )
  }

  answerAlgorithm(member: string, value: string): void {
    if (value === 'p256' || value === 'sm2') return
    this.add(member, 'answer-algorithm-unknown', '应为 p256 或 sm2', 'must be p256 or sm2')
  }

  operatorCode(member: string, value: string): void {
    if (OPERATOR_CODE.test(value)) return
    this.add(
      member,
      'operator-code-invalid',
      '应为 1 至 64 位字母、数字和 . _ @ -，以字母或数字开头',
      'must be 1 to 64 letters, digits and . _ @ - and begin with a letter or digit',
    )
  }

  phone(member: string, value: string): void {
    if (!PHONE.test(value)) this.add(member, 'phone-invalid', '不是电话号码', 'is no phone number')
  }

  /** @throws {Problem} `administration-invalid` with every fault. */
  refuse(): void {
    if (this.#list.length === 0) return
    throw new Problem(
      'administration-invalid',
      { zh: `有 ${this.#list.length} 处填写有误`, en: `${this.#list.length} faults in what was given` },
      { faults: this.#list },
    )
  }
}

function isRealDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

export const duplicate = (zh: string, en: string): Problem => new Problem('administration-duplicate', { zh, en })
export const notFound = (zh: string, en: string): Problem => new Problem('administration-not-found', { zh, en })
export const closed = (zh: string, en: string): Problem => new Problem('administration-closed', { zh, en })
