/* oxlint-disable max-lines */
/** Generated from schemas/canonical by `npm run types`: do not edit. */

/**
 * 业务类型
 */
export type BusinessType = 'mortgage-first'
/**
 * 电话，不改写
 */
export type Phone = string
/**
 * 小写、带连字符的 UUID
 */
export type Uuid = string
/**
 * 查询授权书编号
 */
export type AuthorizationIds = Uuid[]
/**
 * 登记原因
 */
export type Reason = string
/**
 * 附记
 */
export type Remarks = string
/**
 * 证件种类
 */
export type IdType =
  | 'resident-id'
  | 'hk-macao-taiwan-id'
  | 'passport'
  | 'household-register'
  | 'military-id'
  | 'organisation-code'
  | 'business-licence'
  | 'social-credit-code'
  | 'other'
/**
 * 邮政编码
 */
export type Postcode = string
/**
 * 当事人；抵押权人和抵押人各至少一人
 */
export type Parties = Party[]
/**
 * 不动产单元号，28 位，不含空格
 */
export type UnitNumber = string
/**
 * 面积单位
 */
export type AreaUnit = 'square-metre' | 'mu' | 'hectare'
/**
 * 由这些抵押人共同所有的不动产单元；权利人不同的单元分到不同的 parts
 */
export type Properties = Property[]
/**
 * 一般抵押、最高额抵押
 */
export type MortgageKind = 'ordinary' | 'maximum'
/**
 * 币种
 */
export type Currency = 'CNY' | 'USD' | 'HKD' | 'EUR'
/**
 * 材料种类
 */
export type MaterialKind =
  | 'application-form'
  | 'title-certificate'
  | 'identity'
  | 'letter-of-authority'
  | 'mortgage-contract'
  | 'principal-contract'
  | 'presale-contract'
  | 'notice-agreement'
  | 'registration-proof'
  | 'discharge-proof'
  | 'change-agreement'
  | 'consent'
  | 'withdrawal-request'
  | 'other'
/**
 * 材料名称，一个登记事项内不得重复；不含文件名中不允许的字符
 */
export type MaterialName = string
/**
 * 收件类型
 */
export type MaterialForm = 'original' | 'copy-of-original' | 'duplicate' | 'copy-of-duplicate' | 'manuscript' | 'other'

/**
 * 业务办理人员
 */
export interface Operator {
  /**
   * 业务办理人员编号，与 X-Operator 相同
   */
  id: string
  /**
   * 姓名
   */
  name: string
  phone?: Phone
}
/**
 * 登记机构通知的联系人
 */
export interface Contact {
  /**
   * 通知人姓名
   */
  name: string
  phone?: Phone
  mobile?: Phone
  email?: string
  /**
   * 通知方式
   */
  notifyBy: 'phone' | 'mobile' | 'email' | 'letter'
}
/**
 * 当事人
 */
export interface Party {
  /**
   * 抵押权人、抵押人、不是抵押人的债务人
   */
  role: 'mortgagee' | 'mortgagor' | 'debtor'
  /**
   * 当事人类型
   */
  kind: 'person' | 'company' | 'public-institution' | 'state-organ' | 'other'
  /**
   * 姓名或名称，逐字保留，间隔号 · 也不改写
   */
  name: string
  idType: IdType
  /**
   * 证件号码
   */
  idNumber: string
  phone?: Phone
  /**
   * 通讯地址
   */
  address?: string
  postcode?: Postcode
  legalRepresentative?: LegalRepresentative
  /**
   * 共有方式，只用于抵押人
   */
  coOwnership?: 'sole' | 'joint' | 'in-shares' | 'other'
  /**
   * 按份共有的份额，如 3/5
   */
  share?: string
  agent?: Agent
  /**
   * 是否小微企业，只用于债务人
   */
  smallEnterprise?: boolean
}
/**
 * 法定代表人
 */
export interface LegalRepresentative {
  /**
   * 法定代表人姓名
   */
  name: string
  phone?: Phone
}
/**
 * 当事人自己的代理人；没有时由银行代理
 */
export interface Agent {
  /**
   * 代理人姓名
   */
  name: string
  /**
   * 代理机构
   */
  organisation?: string
  idType: IdType
  /**
   * 证件号码
   */
  idNumber: string
  phone?: Phone
  authorizationMaterialId?: Uuid
}
/**
 * 不动产单元
 */
export interface Property {
  unitNumber: UnitNumber
  /**
   * 不动产权证书号，括号全角半角均可
   */
  certificateNumber: string
  /**
   * 抵押不动产类型
   */
  kind: 'land' | 'land-and-building' | 'forest' | 'land-and-construction' | 'sea' | 'sea-and-structure' | 'other'
  /**
   * 坐落
   */
  location: string
  /**
   * 面积
   */
  area?: string
  areaUnit?: AreaUnit
  /**
   * 房屋用途，数据库标准 FWYT 的代码
   */
  useCode?: string
  /**
   * 上手业务号，查询结果中才有
   */
  previousBusinessNumber?: string
  /**
   * 评估价值，元
   */
  assessedValue?: string
}
/**
 * 抵押权
 */
export interface Mortgage {
  kind: MortgageKind
  /**
   * 被担保主债权数额，元；一般抵押必填
   */
  securedAmount?: string
  /**
   * 最高债权额，元；最高额抵押必填
   */
  maximumAmount?: string
  currency: Currency
  term?: Period
  determinationPeriod?: Period
  /**
   * 最高债权确定事实
   */
  determinationFacts?: string
  /**
   * 担保范围
   */
  scope: string
  /**
   * 是否存在禁止或者限制转让抵押不动产的约定
   */
  transferRestricted: boolean
  /**
   * 抵押权顺位
   */
  rank?: number
  /**
   * 抵押合同编号
   */
  contractNumber?: string
  /**
   * 主债权合同编号
   */
  principalContractNumbers?: string[]
  /**
   * 抵押合同签订日期
   */
  signedOn?: string
}
/**
 * 期间，首尾两日都在内
 */
export interface Period {
  /**
   * 起
   */
  from: string
  /**
   * 止
   */
  to: string
}
/**
 * 一次申请中的一个登记事项
 */
export interface Part {
  /**
   * 部分的序号，从 1 连续编号
   */
  part: number
  businessType: BusinessType
  reason?: Reason
  remarks?: Remarks
  parties: Parties
  properties: Properties
  mortgage: Mortgage
}
/**
 * 申请材料
 */
export interface Material {
  id: Uuid
  kind: MaterialKind
  name: MaterialName
  form: MaterialForm
  /**
   * 份数
   */
  copies: number
  /**
   * 页数
   */
  pages: number
  property?: UnitNumber
  /**
   * 材料所属的当事人姓名或名称
   */
  person?: string
  /**
   * 材料用于哪些部分；缺省为全部
   */
  parts?: number[]
  /**
   * 核对原件的业务办理人员编号
   */
  checkedBy: string
  /**
   * 核对原件的时间
   */
  checkedAt: string
}
/**
 * 申请书的询问事项
 */
export interface Declarations {
  /**
   * 申请书及材料是否由本人或代理人自愿签署
   */
  signedVoluntarily: boolean
  /**
   * 申请人之外是否还有共有人
   */
  otherCoOwners: boolean
  /**
   * 按份共有时是否知悉三分之二以上份额的共有人可以处分
   */
  knowsTwoThirdsRule?: boolean
  /**
   * 共有人之间是否另有约定
   */
  otherCoOwnerAgreement?: boolean
}
/**
 * 领证
 */
export interface Delivery {
  /**
   * 领证方式
   */
  method: 'post' | 'counter' | 'kiosk' | 'electronic'
  /**
   * 收件人
   */
  receiver?: string
  phone?: Phone
  /**
   * 收件地址
   */
  address?: string
  postcode?: Postcode
}
/**
 * 缴费
 */
export interface Fee {
  /**
   * 缴费人
   */
  payer: 'mortgagee' | 'mortgagor' | 'none'
  /**
   * 逐件缴纳、按月结算
   */
  settlement?: 'per-case' | 'monthly'
}
/**
 * POST /v1/applications 的请求体：单个登记事项平铺，或以 parts 分列
 */
export interface Application {
  /**
   * 银行业务编号，每家银行内唯一
   */
  bankReference: string
  businessType: BusinessType
  /**
   * 申请时间
   */
  appliedAt: string
  operator: Operator
  contact: Contact
  authorizationIds?: AuthorizationIds
  reason?: Reason
  remarks?: Remarks
  parties?: Parties
  properties?: Properties
  mortgage?: Mortgage
  /**
   * 几个登记事项一并申请时使用；此时不写 reason、remarks、parties、properties、mortgage
   */
  parts?: Part[]
  /**
   * 申请材料
   */
  materials: Material[]
  declarations?: Declarations
  delivery?: Delivery
  fee?: Fee
}
