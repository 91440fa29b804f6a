/** What the rules need to know beside the application. */
export interface RuleContext {
  /** Unified social credit codes under which the calling bank may be mortgagee: its own and its branches'. */
  bankCodes: ReadonlySet<string>
  /** The operator that the signed request names. */
  operatorId: string
  isOperator(id: string): boolean
  /** Whether the bank has uploaded a material of this id that is whole. */
  isMaterial(id: string): boolean
  now: Date
}

/** What all checks of one application share. */
export interface RuleCheck extends RuleContext {
  /** `yyyy-MM-dd` in Asia/Shanghai. */
  today: string
}
