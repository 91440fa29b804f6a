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
/**
 * 一个登记事项
 */
export interface CasePart {
  /**
   * 部分的序号
   */
  number: number
  /**
   * 业务号 YWH：登记机构给出之前为业务流水号加两位部分序号
   */
  registryNumber: string
  reason?: Reason
  remarks?: Remarks
  parties: Parties
  properties: Properties
  mortgage: Mortgage
  /**
   * 本部分的材料
   */
  materials: CaseMaterial[]
}
/**
 * 申请材料及其文件
 */
export interface CaseMaterial {
  /**
   * 全案内的顺序号，从 1 连续编号；同一文件在后面的部分中沿用首次的顺序号
   */
  sequence: number
  /**
   * true：同一文件已在前面的部分中出现；否则不写
   */
  repeated?: boolean
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
   * 核对原件的业务办理人员编号
   */
  checkedBy: string
  /**
   * 核对人姓名，取自账号
   */
  checkedByName: string
  /**
   * 核对原件的时间
   */
  checkedAt: string
  /**
   * 材料名称加按内容判定的扩展名
   */
  fileName: string
  /**
   * 按内容判定的类型
   */
  mediaType: 'application/pdf' | 'application/ofd' | 'image/jpeg' | 'image/png'
  /**
   * 字节数
   */
  sizeBytes: number
  digest: Digest
}
/**
 * 文件摘要
 */
export interface Digest {
  /**
   * 摘要算法
   */
  algorithm: 'sm3' | 'sha-256'
  /**
   * 小写十六进制
   */
  value: string
}
/**
 * 办件：规范化的申请，总以 parts 分列，材料写在每个部分之下
 */
export interface Case {
  /**
   * 银行业务编号
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
  declarations?: Declarations
  delivery?: Delivery
  fee?: Fee
  /**
   * 登记事项，按序号
   */
  parts: CasePart[]
}
/**
 * 向登记系统查找或查询进度、结果、缴费、证照
 */
export interface Inquiry {
  /**
   * 一次查询的办件
   */
  cases: {
    /**
     * 业务流水号，本网关提交的办件
     */
    businessNumber?: string
    /**
     * 受理编号，不是本网关提交的办件
     */
    registryNumber?: string
  }[]
}
/**
 * 一个事实；键为部分、事实、轮次、所指
 */
export interface Event {
  /**
   * 部分的序号；登记系统的答复没有 JH_BJ 对应行时缺失，由网关按业务号查找
   */
  part?: number
  /**
   * 事实
   */
  fact:
    | 'received'
    | 'platform-acknowledged'
    | 'submitted'
    | 'correction-requested'
    | 'accepted'
    | 'review-step'
    | 'recorded'
    | 'register-entry'
    | 'not-accepted'
    | 'rejected'
    | 'withdrawn'
    | 'withdrawal-refused'
    | 'procedure-started'
    | 'procedure-ended'
    | 'fee-exempt'
    | 'fee-due'
    | 'fee-partly-paid'
    | 'fee-paid'
    | 'fee-refunding'
    | 'fee-refunded'
    | 'certificate-made'
    | 'certificate-released'
  /**
   * 补正轮次；其他事实为 1
   */
  round: number
  /**
   * 同一部分内重复的事实所指：不动产单元、审核节点序号、证书号、特殊环节名称
   */
  subject?: string
  /**
   * 发生时间
   */
  occurredAt: string
  /**
   * 谁说的
   */
  saidBy: 'gateway' | 'registry' | 'platform' | 'payment'
  /**
   * 哪种报文
   */
  reportedIn?: string
  /**
   * 报文编号
   */
  messageId?: string
  /**
   * 登记系统的业务号 YWH
   */
  registryNumber?: string
  /**
   * 办理人员
   */
  by?: string
  /**
   * 审核节点
   */
  node?: string
  /**
   * 开始时间
   */
  startedAt?: string
  /**
   * 意见
   */
  opinion?: string
  /**
   * 审核操作结果
   */
  outcome?: 'agreed' | 'sent-back' | 'returned-to-applicant' | 'handed-over'
  /**
   * 不予登记、不予受理的依据
   */
  ground?:
    | 'against-law'
    | 'title-dispute'
    | 'term-exceeded'
    | 'other-by-law'
    | 'incomplete'
    | 'outside-area'
    | 'form-not-legal'
  /**
   * 理由
   */
  reason?: string
  /**
   * 文书编号
   */
  documentNumber?: string
  /**
   * 特殊环节
   */
  procedure?: string
  /**
   * 补正期限
   */
  answerBy?: string
  /**
   * 补正事项或收费项目
   */
  items?: Item[]
  /**
   * 金额，元
   */
  amount?: string
  currency?: Currency
  /**
   * 缴费人
   */
  payer?: string
  /**
   * 缴款码
   */
  paymentCode?: string
  /**
   * 缴费期限
   */
  payBy?: string
  /**
   * 缴费订单号
   */
  orderNumber?: string
  /**
   * 缴费银行
   */
  bank?: string
  /**
   * 不动产单元号
   */
  unitNumber?: string
  entry?: Entry
  certificate?: Certificate
}
/**
 * 补正事项（correction-requested）或收费项目（fee-…）
 */
export interface Item {
  /**
   * 补正事项序号
   */
  number?: number
  /**
   * 所涉材料名称
   */
  materialName?: string
  /**
   * 所涉不动产单元号
   */
  unitNumber?: string
  /**
   * 登记系统的字段
   */
  field?: string
  /**
   * 要求
   */
  requirement?: string
  /**
   * 网关找到的对应材料或字段
   */
  resolved?: {
    materialId?: Uuid
    /**
     * 申请中的 JSON 指针
     */
    path?: string
  }
  /**
   * 收费项目
   */
  name?: string
  /**
   * 收费类型
   */
  basis?: 'per-item' | 'by-area' | 'by-amount' | 'progressive' | 'per-unit' | 'per-certificate'
  /**
   * 数量
   */
  quantity?: string
  /**
   * 金额，元
   */
  amount?: string
}
/**
 * 登记簿上的抵押权，以登记簿为准
 */
export interface Entry {
  /**
   * 不动产单元号
   */
  unitNumber: string
  /**
   * 不动产登记证明号
   */
  proofNumber?: string
  /**
   * 权属状态
   */
  rightStatus?: 'provisional' | 'current' | 'historical' | 'ended'
  /**
   * 登记时间
   */
  registeredAt?: string
  /**
   * 登簿人
   */
  registeredBy?: string
  /**
   * 登记机构
   */
  authority?: string
  /**
   * 上手业务号
   */
  previousBusinessNumber?: string
  /**
   * 抵押权人
   */
  mortgagees?: {
    /**
     * 名称
     */
    name: string
    idType?: IdType
    /**
     * 证件号码
     */
    idNumber?: string
  }[]
  /**
   * 抵押人
   */
  mortgagorNames?: string[]
  kind?: MortgageKind
  /**
   * 被担保主债权数额，元
   */
  securedAmount?: string
  /**
   * 最高债权额，元
   */
  maximumAmount?: string
  currency?: Currency
  term?: Period
  determinationPeriod?: Period
  /**
   * 最高债权确定事实
   */
  determinationFacts?: string
  /**
   * 担保范围
   */
  scope?: string
  /**
   * 是否存在禁止或者限制转让的约定
   */
  transferRestricted?: boolean
  /**
   * 抵押权顺位
   */
  rank?: number
  /**
   * 抵押面积
   */
  area?: string
  areaUnit?: AreaUnit
  /**
   * 登记原因
   */
  reason?: string
  /**
   * 附记
   */
  remarks?: string
}
/**
 * 电子证照
 */
export interface Certificate {
  /**
   * 不动产登记证明号
   */
  number: string
  /**
   * 证照标识
   */
  identifier?: string
  /**
   * 证照类型代码
   */
  typeCode?: string
  /**
   * 证照名称
   */
  title?: string
  /**
   * 颁发机构
   */
  issuer?: string
  /**
   * 颁发机构代码
   */
  issuerId?: string
  /**
   * 颁发日期
   */
  issuedOn?: string
  /**
   * 持证主体
   */
  holder?: string
  /**
   * 持证主体代码
   */
  holderId?: string
  /**
   * 电子证照文件
   */
  file?: {
    /**
     * 文件名
     */
    name: string
    /**
     * 登记系统文件地址下的相对路径
     */
    location?: string
    /**
     * base64，登记系统直接给出文件时
     */
    content?: string
    /**
     * 字节数
     */
    size?: number
    digest?: Digest
  }
}
/**
 * 办件的事实
 */
export interface Events {
  /**
   * 事实，按报文中的顺序
   */
  events: Event[]
}
/**
 * 登记系统的答复：回执、拒绝、查找、进度、结果、缴费、证照
 */
export interface Answer {
  /**
   * 所答报文的编号
   */
  messageId: string
  /**
   * 登记系统是否接受了该报文
   */
  success: boolean
  /**
   * 响应代码
   */
  code: string
  /**
   * 响应信息
   */
  text?: string
  /**
   * 未接受时：须人工处理、稍后原样重发、先查找、代码未知
   */
  retry?: 'never' | 'same' | 'look-up' | 'unknown'
  /**
   * 所涉办件，每个部分一行
   */
  cases: {
    /**
     * 业务流水号
     */
    businessNumber?: string
    /**
     * 部分的序号
     */
    part?: number
    /**
     * 受理编号 SLBH
     */
    filingNumber?: string
    /**
     * 业务号 YWH
     */
    registryNumber?: string
    /**
     * 登记系统是否有此办件
     */
    stored: boolean
    /**
     * 收到报文的时间
     */
    receivedAt?: string
  }[]
  /**
   * 登记系统指出的错误
   */
  faults: {
    /**
     * 序号
     */
    number?: number
    /**
     * 代码
     */
    code?: string
    /**
     * 位置
     */
    place?: string
    /**
     * 内容
     */
    text?: string
  }[]
  /**
   * 答复所说的事实
   */
  events: Event[]
}
/**
 * 平台的反馈（99）
 */
export interface Acknowledgement {
  /**
   * 反馈报文的编号
   */
  messageId?: string
  /**
   * 申报号 SN
   */
  platformNumber?: string
  /**
   * 所答报文的类型
   */
  ofType?: string
  /**
   * 所答报文的编号
   */
  ofMessageId: string
  /**
   * 平台是否接受
   */
  accepted: boolean
  /**
   * 代码
   */
  code?: string
  /**
   * 说明
   */
  text?: string
  /**
   * 时间
   */
  at?: string
}
/**
 * 向平台转述的一步：一个事实的这些字段
 */
export interface Step {
  /**
   * 一步
   */
  fact: 'submitted' | 'accepted' | 'review-step' | 'recorded'
  /**
   * 发生时间
   */
  occurredAt: string
  /**
   * 登记系统的业务号 YWH
   */
  registryNumber?: string
  /**
   * 办理人员
   */
  by?: string
  /**
   * 审核节点
   */
  node?: string
  /**
   * 开始时间
   */
  startedAt?: string
  /**
   * 意见
   */
  opinion?: string
  [k: string]: unknown
}
/**
 * 向平台转述的结果：结束办件的事实，加上登簿的各个单元
 */
export interface Outcome {
  /**
   * 结果
   */
  fact: 'recorded' | 'not-accepted' | 'rejected' | 'withdrawn'
  /**
   * 发生时间
   */
  occurredAt: string
  /**
   * 办理人员
   */
  by?: string
  /**
   * 意见
   */
  opinion?: string
  /**
   * 理由
   */
  reason?: string
  /**
   * 登簿的各个单元
   */
  entries: {
    /**
     * 不动产登记证明号
     */
    proofNumber?: string
    /**
     * 抵押权人
     */
    mortgagees?: {
      /**
       * 名称
       */
      name: string
      [k: string]: unknown
    }[]
    [k: string]: unknown
  }[]
  [k: string]: unknown
}
/**
 * 映射可用的固定上下文；不属于一个办件的报文（按批查询及其答复）只用 message 与 site
 */
export interface Contexts {
  /**
   * 办件
   */
  case: {
    id: Uuid
    businessType: BusinessType
    /**
     * 业务流水号
     */
    businessNumber: string
    /**
     * 平台的申报号 SN
     */
    platformNumber?: string
    /**
     * 受理编号 SLBH
     */
    registryNumber?: string
  }
  /**
   * 报文
   */
  message: {
    id: Uuid
    /**
     * BizMsgID
     */
    number?: string
    /**
     * 报文时间
     */
    createdAt: string
    /**
     * 文件内容的占位文本：发送时换成 base64
     */
    contentMarker?: string
  }
  /**
   * 业务办理人员，取自账号
   */
  operator: {
    /**
     * 业务办理人员编号
     */
    id: string
    /**
     * 姓名
     */
    name: string
    phone?: Phone
    idType?: IdType
    /**
     * 证件号码
     */
    idNumber?: string
  }
  /**
   * 银行账号
   */
  account: {
    /**
     * 账号编号
     */
    id: string
    /**
     * 银行名称
     */
    bankName: string
    /**
     * 统一社会信用代码
     */
    bankCode?: string
  }
  /**
   * 县的常量
   */
  site: {
    /**
     * 县级行政区划代码
     */
    areaCode: string
    /**
     * 县名
     */
    areaName: string
    /**
     * 市级行政区划代码
     */
    cityCode: string
    /**
     * 市名
     */
    cityName: string
    /**
     * 登记机构的统一社会信用代码
     */
    registryOrgId: string
    /**
     * 登记机构名称
     */
    registryOrgName: string
    /**
     * 平台上的部门代码
     */
    deptCode: string
    /**
     * 平台上的事项编号
     */
    serviceId: string
    /**
     * 平台上的事项编码
     */
    serviceCode: string
    /**
     * 平台上的事项名称
     */
    serviceName: string
  }
}
/**
 * 向登记系统的一次查询，QUERY 报文的来源：一本证书或一份证明
 */
export interface Query {
  /**
   * 应答级别：仅核验标志、登记明细
   */
  level: 'flags' | 'detail'
  /**
   * 不动产权证书号，与证明号二者取一
   */
  certificateNumber?: string
  /**
   * 不动产登记证明号，与证书号二者取一
   */
  proofNumber?: string
  /**
   * 权利人
   */
  holder: {
    /**
     * 姓名或名称，逐字保留
     */
    name: string
    idType: IdType
    /**
     * 证件号码
     */
    idNumber: string
  }
  /**
   * 查询目的
   */
  purpose: string
  /**
   * 查询授权书；所用的权限不要求授权时没有
   */
  authorization?: {
    id: Uuid
    /**
     * 授权期间的首日
     */
    from: string
    /**
     * 授权期间的末日
     */
    to: string
  }
  /**
   * 查询单位
   */
  bank: {
    /**
     * 银行名称
     */
    name: string
    /**
     * 统一社会信用代码
     */
    code: string
  }
  /**
   * 查询的业务办理人员姓名
   */
  operatorName: string
}
/**
 * 登记系统对查询的答复；未查到时只有原因，没有其他内容
 */
export interface QueryAnswer {
  /**
   * 所答报文的编号
   */
  messageId: string
  /**
   * 登记系统是否接受了该报文
   */
  success: boolean
  /**
   * 响应代码
   */
  code: string
  /**
   * 响应信息
   */
  text?: string
  /**
   * 未接受时：须人工处理、稍后原样重发、先查找、代码未知
   */
  retry?: 'never' | 'same' | 'look-up' | 'unknown'
  /**
   * 登记系统指出的错误
   */
  faults: {
    /**
     * 序号
     */
    number?: number
    /**
     * 代码
     */
    code?: string
    /**
     * 位置
     */
    place?: string
    /**
     * 内容
     */
    text?: string
  }[]
  /**
   * 号码与权利人是否与登记簿一致
   */
  matched: boolean
  /**
   * 未查到的原因
   */
  reason?: 'not-found' | 'not-registered' | 'not-held-here' | 'none-in-area' | 'none-current'
  /**
   * 核验时间
   */
  checkedAt?: string
  /**
   * 所查的不动产
   */
  property?: {
    /**
     * 不动产权证书号
     */
    certificateNumber?: string
    /**
     * 不动产登记证明号
     */
    proofNumber?: string
    /**
     * 不动产单元号
     */
    unitNumber: string
    /**
     * 坐落
     */
    location?: string
    /**
     * 建筑面积，平方米
     */
    area?: string
    /**
     * 房屋用途，数据库标准 FWYT 的代码
     */
    useCode?: string
  }
  /**
   * 核验标志
   */
  flags?: {
    /**
     * 是否抵押
     */
    mortgaged?: boolean
    /**
     * 是否查封
     */
    seized?: boolean
    /**
     * 是否异议
     */
    objected?: boolean
    /**
     * 是否预告登记
     */
    noticed?: boolean
    /**
     * 是否共有
     */
    coOwned?: boolean
  }
  /**
   * 所有权的现时权利人
   */
  holders: {
    /**
     * 姓名或名称
     */
    name: string
    idType?: IdType
    /**
     * 证件号码
     */
    idNumber?: string
    /**
     * 权利人类型
     */
    kind?: 'person' | 'company' | 'public-institution' | 'state-organ' | 'other'
    /**
     * 电话
     */
    phone?: string
    /**
     * 地址
     */
    address?: string
    /**
     * 权利比例，照录
     */
    share?: string
    /**
     * 共有方式
     */
    coOwnership?: 'sole' | 'joint' | 'in-shares' | 'other'
    /**
     * 不动产权证书号
     */
    certificateNumber?: string
    /**
     * 业务号 YWH
     */
    registryNumber?: string
    /**
     * 权利类型，数据库标准 QLLX 的代码
     */
    rightKind?: string
  }[]
  /**
   * 房地产权
   */
  ownership?: {
    /**
     * 业务号 YWH
     */
    registryNumber?: string
    /**
     * 不动产单元号
     */
    unitNumber?: string
    /**
     * 不动产权证书号
     */
    certificateNumber?: string
    /**
     * 权利类型，数据库标准 QLLX 的代码
     */
    rightKind?: string
    /**
     * 登记原因
     */
    reason?: string
    /**
     * 房地坐落
     */
    location?: string
    /**
     * 土地使用权人
     */
    landUser?: string
    /**
     * 规划用途，数据库标准 FWYT 的代码
     */
    useCode?: string
    /**
     * 房屋结构，数据库标准 FWJG 的代码
     */
    structure?: string
    /**
     * 所在层
     */
    floor?: string
    /**
     * 总层数
     */
    totalFloors?: string
    /**
     * 建筑面积，平方米
     */
    area?: string
    /**
     * 登记机构
     */
    authority?: string
    /**
     * 登簿人
     */
    registeredBy?: string
    /**
     * 登记时间
     */
    registeredAt?: string
    /**
     * 权属状态
     */
    rightStatus?: 'provisional' | 'current' | 'historical' | 'ended'
  }
  /**
   * 现势的抵押权，只在登记明细中
   */
  mortgages: {
    /**
     * 业务号 YWH
     */
    registryNumber?: string
    /**
     * 不动产单元号
     */
    unitNumber?: string
    /**
     * 不动产登记证明号
     */
    proofNumber?: string
    kind?: MortgageKind
    /**
     * 被担保主债权数额，元
     */
    securedAmount?: string
    /**
     * 最高债权额，元
     */
    maximumAmount?: string
    currency?: Currency
    term?: Period
    determinationPeriod?: Period
    /**
     * 最高债权确定事实
     */
    determinationFacts?: string
    /**
     * 担保范围
     */
    scope?: string
    /**
     * 抵押人
     */
    mortgagorNames: string[]
    /**
     * 抵押权人
     */
    mortgagees: {
      /**
       * 名称
       */
      name: string
      idType?: IdType
      /**
       * 证件号码
       */
      idNumber?: string
    }[]
    /**
     * 登记时间
     */
    registeredAt?: string
    /**
     * 登簿人
     */
    registeredBy?: string
    /**
     * 登记机构
     */
    authority?: string
    /**
     * 权属状态
     */
    rightStatus?: 'provisional' | 'current' | 'historical' | 'ended'
    /**
     * 上手业务号
     */
    previousBusinessNumber?: string
    /**
     * 抵押权顺位
     */
    rank?: number
    /**
     * 是否存在禁止或者限制转让的约定
     */
    transferRestricted?: boolean
    /**
     * 抵押面积
     */
    area?: string
    areaUnit?: AreaUnit
    /**
     * 登记原因
     */
    reason?: string
    /**
     * 附记
     */
    remarks?: string
  }[]
}
/**
 * 平台主动送来的报文：反馈（99）、补正的答复（22）、缴费（25）、撤回（26）
 */
export interface Callback {
  /**
   * 报文编号 unid，也是去重的依据
   */
  messageId: string
  /**
   * 报文类型
   */
  type: '99' | '22' | '25' | '26'
  /**
   * 申报号 SN；没有接受的反馈可以没有
   */
  platformNumber?: string
  /**
   * 平台发送的时间
   */
  sentAt?: string
  /**
   * 反馈（99）
   */
  acknowledgement?: {
    /**
     * 所答报文的类型
     */
    ofType?: string
    /**
     * 所答报文的编号
     */
    ofMessageId: string
    /**
     * 平台是否接受
     */
    accepted: boolean
    /**
     * 代码
     */
    code?: string
    /**
     * 说明
     */
    text?: string
    /**
     * 时间
     */
    at?: string
  }
  /**
   * 补正的答复（22）
   */
  correction?: {
    /**
     * 补正轮次
     */
    round: number
    /**
     * 补正事项的答复
     */
    items: {
      /**
       * 补正事项序号
       */
      number: number
      /**
       * 网上材料或表单项
       */
      mode: 'upload' | 'form'
      /**
       * 新材料的编号，平台的写法，无连字符
       */
      materialId?: string
      /**
       * 所替换材料的编号，无连字符
       */
      replaces?: string
      /**
       * 材料或表单项的名称
       */
      name?: string
      /**
       * 文件名
       */
      fileName?: string
      /**
       * 答复
       */
      answer?: string
      /**
       * 表单名
       */
      form?: string
      /**
       * 表单项
       */
      field?: string
      /**
       * 表单编号
       */
      formId?: string
      /**
       * 更正后的值
       */
      value?: string
    }[]
  }
  /**
   * 缴费（25）
   */
  payment?: {
    /**
     * 收费项目
     */
    name?: string
    /**
     * 金额，元
     */
    amount?: string
    currency?: Currency
    /**
     * 缴费状态，即所说的事实
     */
    state: 'fee-exempt' | 'fee-due' | 'fee-paid' | 'fee-partly-paid' | 'fee-refunding' | 'fee-refunded'
    /**
     * 缴费时间
     */
    paidAt?: string
    /**
     * 缴费单号
     */
    orderNumber?: string
    /**
     * 缴费银行
     */
    bank?: string
    /**
     * 备注
     */
    remark?: string
  }
  /**
   * 撤回的请求（26），不是撤回的事实
   */
  withdrawal?: {
    /**
     * 撤回原因
     */
    reason: string
    /**
     * 申请撤回的时间
     */
    requestedAt?: string
    /**
     * 经办人
     */
    operatorName?: string
    /**
     * 随附的材料
     */
    materials?: {
      /**
       * 材料编号，无连字符
       */
      materialId: string
      /**
       * 材料名称
       */
      name: string
      /**
       * 文件名
       */
      fileName?: string
    }[]
  }
}
/**
 * 一个补正事项的答复：新材料、更正的字段，或只有文字
 */
export interface CorrectionItem {
  /**
   * 部分的序号；几个部分都有补正事项时必填
   */
  part?: number
  /**
   * 补正事项的序号，取自补正通知
   */
  number: number
  /**
   * 答复
   */
  answer: string
  replaces?: Uuid
  material?: Material
  /**
   * 更正的字段
   */
  changes?: CorrectionChange[]
}
/**
 * 一个更正的字段；更正后的申请须仍合乎申请的规范
 */
export interface CorrectionChange {
  /**
   * 字段在申请中的 JSON 指针
   */
  path: string
  /**
   * 更正后的值
   */
  value: string | number | boolean
}
/**
 * POST /v1/applications/{id}/corrections 的请求体：对一轮补正的答复
 */
export interface Correction {
  /**
   * 补正轮次，取自补正通知
   */
  round: number
  operator: Operator
  /**
   * 答复时间
   */
  appliedAt: string
  /**
   * 各个补正事项的答复
   */
  items: CorrectionItem[]
}
/**
 * 一个有更正的登记事项
 */
export interface CorrectedPart {
  /**
   * 部分的序号
   */
  number: number
  /**
   * 业务号 YWH：登记机构给出之前为业务流水号加两位部分序号
   */
  registryNumber: string
  reason?: Reason
  remarks?: Remarks
  parties: Parties
  /**
   * 更正的不动产单元；抵押权、抵押人有更正的为全部单元
   */
  properties: CorrectedProperty[]
  mortgage: Mortgage
  /**
   * 单元与抵押权之外更正了什么；没有更正的不写
   */
  changed?: {
    /**
     * 抵押权人
     */
    mortgagees?: boolean
    /**
     * 抵押权人或抵押人在申请中的各项，包括代理人
     */
    applicants?: boolean
    /**
     * 债务人
     */
    debtors?: boolean
    /**
     * 通知的联系人
     */
    contact?: boolean
  }
  /**
   * 新材料
   */
  materials: CaseMaterial[]
}
/**
 * 更正后的不动产单元，写全
 */
export interface CorrectedProperty {
  /**
   * 在该部分的不动产中的序号，从 1 开始
   */
  number: number
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
 * 一个补正事项的答复
 */
export interface CorrectedItem {
  /**
   * 部分的序号
   */
  part: number
  /**
   * 业务号 YWH，登记机构给出之后
   */
  registryNumber?: string
  /**
   * 补正事项的序号
   */
  number: number
  /**
   * 答复
   */
  answer: string
  /**
   * 新材料
   */
  material?: {
    id: Uuid
    name: MaterialName
    /**
     * 文件名
     */
    fileName: string
    /**
     * 平台材料编码所用的顺序号：替换时为原材料的，增加时为新材料的
     */
    sequence: number
    replaces?: Uuid
    replacedName?: MaterialName
  }
  /**
   * 更正的字段
   */
  changes: {
    /**
     * 申请中的 JSON 指针
     */
    path: string
    /**
     * 字段的名称
     */
    label: string
    /**
     * 更正后的值，写成文字
     */
    value: string
    /**
     * 平台的表单项，如 DJXX_JZAREA；平台没有此字段时没有
     */
    field?: string
    /**
     * 平台的表单编号，如 f3
     */
    formId?: string
  }[]
}
/**
 * 对一轮补正的答复及更正后的内容，CORRECT 与平台 22 的来源
 */
export interface Corrected {
  /**
   * 补正轮次
   */
  round: number
  /**
   * 答复时间
   */
  answeredAt: string
  /**
   * 申请时间；changed.applicants 时必填
   */
  appliedAt?: string
  contact?: Contact
  /**
   * 有更正的登记事项
   */
  parts: CorrectedPart[]
  /**
   * 各个补正事项的答复
   */
  items: CorrectedItem[]
}
/**
 * 撤回整件申请的请求，WITHDRAW 与平台 26 的来源；撤回的事实只由登记系统说
 */
export interface Withdrawal {
  /**
   * 第几次请求
   */
  number?: number
  /**
   * 撤回原因
   */
  reason: string
  /**
   * 申请撤回的时间
   */
  requestedAt: string
  /**
   * 经办人姓名
   */
  operatorName: string
  unitNumber?: UnitNumber
  /**
   * 办件的各个部分；只能整件撤回
   */
  parts: {
    /**
     * 部分的序号
     */
    number: number
    /**
     * 业务号 YWH，登记机构给出之后
     */
    registryNumber?: string
    /**
     * 业务类型；缺省为抵押权首次登记
     */
    businessType?:
      | 'mortgage-first'
      | 'mortgage-change'
      | 'mortgage-cancel'
      | 'presale-notice'
      | 'mortgage-notice'
      | 'notice-to-mortgage'
  }[]
  /**
   * 撤回登记申请书等材料
   */
  materials: CaseMaterial[]
}
/**
 * 向平台转述的补正要求：correction-requested 的各项，加上平台上的材料与表单项
 */
export interface CorrectionAsked {
  /**
   * 事实
   */
  fact: 'correction-requested'
  /**
   * 补正轮次
   */
  round: number
  /**
   * 通知时间
   */
  occurredAt: string
  /**
   * 期限
   */
  answerBy?: string
  /**
   * 补正事项
   */
  items: {
    /**
     * 补正事项的序号
     */
    number: number
    /**
     * 要求
     */
    requirement: string
    /**
     * 所涉材料
     */
    material?: {
      id: Uuid
      name: MaterialName
      /**
       * 材料的顺序号
       */
      sequence: number
    }
    /**
     * 所涉字段的名称
     */
    label?: string
    /**
     * 平台的表单项，如 DJXX_JZAREA
     */
    field?: string
    /**
     * 平台的表单编号，如 f3
     */
    formId?: string
    [k: string]: unknown
  }[]
  [k: string]: unknown
}
/**
 * 向平台转述的计时暂停：补正的要求或特殊环节的开始
 */
export interface Pause {
  /**
   * 补正或特殊环节
   */
  of: 'correction' | 'procedure'
  /**
   * 第几次暂停，恢复时与所恢复的相同
   */
  number: number
  /**
   * 部分的序号
   */
  part?: number
  /**
   * 发生时间
   */
  occurredAt: string
  /**
   * 办理人员
   */
  by?: string
  /**
   * 特殊环节的名称
   */
  procedure?: string
  /**
   * 补正的项数
   */
  items?: number
}
/**
 * 向平台转述的计时恢复：补正或特殊环节的结束
 */
export interface Resumption {
  /**
   * 补正或特殊环节
   */
  of: 'correction' | 'procedure'
  /**
   * 第几次暂停，恢复时与所恢复的相同
   */
  number: number
  /**
   * 部分的序号
   */
  part?: number
  /**
   * 发生时间
   */
  occurredAt: string
  /**
   * 办理人员
   */
  by?: string
  /**
   * 特殊环节的名称
   */
  procedure?: string
}
/**
 * 向平台转述的缴费通知
 */
export interface FeeNotice {
  /**
   * 事实
   */
  fact: 'fee-due'
  /**
   * 通知时间
   */
  occurredAt: string
  /**
   * 金额，元
   */
  amount: string
  /**
   * 缴款码
   */
  paymentCode?: string
  /**
   * 收费项目
   */
  items?: {
    /**
     * 收费项目
     */
    name?: string
    [k: string]: unknown
  }[]
  [k: string]: unknown
}
