type Retry = 'never' | 'same-key' | 'after'

/**
 * The one catalogue of errors (RFC 9457): status, `retry`, title in Chinese and English. `retry` tells the client:
 * `never` (change the request first), `same-key` (send again, signed anew, with the same Idempotency-Key), `after`
 * (likewise, after Retry-After). Every code has a heading in docs/problems.md; a test compares both ways.
 */
const catalogue = {
  internal: [500, 'same-key', '系统内部错误', 'Unexpected error'],
  overloaded: [503, 'after', '系统繁忙，请稍后重试', 'The gateway is busy'],
  'disk-full': [503, 'after', '存储空间不足，暂不受理', 'Storage is nearly full'],
  'shutting-down': [503, 'after', '系统正在停机', 'The gateway is shutting down'],
  'database-unavailable': [503, 'after', '数据库暂不可用', 'The database cannot be reached'],
  'outcome-unknown': [
    503,
    'same-key',
    '处理结果未知，请用同一幂等键重试',
    'The outcome is unknown: repeat with the same key',
  ],
  'numbers-exhausted': [503, 'after', '当日业务流水号已用尽', 'The business numbers of the day are used up'],
  'route-not-found': [404, 'never', '接口不存在', 'No such endpoint'],
  'method-not-allowed': [405, 'never', '不支持该请求方法', 'Method not allowed'],
  'request-malformed': [400, 'never', '请求格式错误', 'The request is malformed'],
  'request-too-slow': [408, 'same-key', '请求未在时限内传完', 'The request did not arrive in time'],
  'body-too-large': [413, 'never', '请求体超过上限', 'The body is over the limit'],
  'media-type-unsupported': [415, 'never', '不支持的内容类型', 'Unsupported content type'],
  'message-invalid': [422, 'never', '报文不符合规范', 'The message does not match its schema'],
  // access
  'certificate-unknown': [401, 'never', '证书未登记', 'The certificate is not registered'],
  'certificate-suspended': [403, 'never', '证书已停用', 'The certificate is suspended'],
  'certificate-bank-mismatch': [403, 'never', '证书与账号所属银行不符', 'The certificate names another bank'],
  'account-suspended': [403, 'never', '账号已停用', 'The account is suspended'],
  'account-not-valid': [403, 'never', '账号不在有效期内', 'The account is outside its validity'],
  'bank-suspended': [403, 'never', '银行已停用', 'The bank is suspended'],
  'agreement-not-in-force': [403, 'never', '协议不在有效期内', 'The agreement is not in force'],
  'operator-missing': [400, 'never', '未指明业务办理人员', 'x-operator is missing'],
  'operator-unknown': [403, 'never', '业务办理人员未登记', 'The operator is not registered'],
  'operator-suspended': [403, 'never', '业务办理人员已停用', 'The operator is suspended'],
  'business-type-not-granted': [403, 'never', '账号未开通该业务', 'The business type is not granted to the account'],
  'area-not-granted': [403, 'never', '未开通该地区', 'The area is not granted'],
  'business-type-not-offered': [403, 'never', '尚未开通该业务类型', 'The business type is not offered'],
  // queries
  'scope-missing': [403, 'never', '没有查询范围', 'There is no query scope'],
  'scope-not-valid': [403, 'never', '查询范围不在有效期内', 'The query scope is not valid'],
  'network-not-granted': [403, 'never', '不得从该网络查询', 'Queries from this network are not granted'],
  'query-level-not-granted': [403, 'never', '未开通该级别的查询', 'Queries of this level are not granted'],
  'purpose-not-granted': [403, 'never', '未开通该查询目的', 'The purpose is not granted'],
  'field-not-granted': [403, 'never', '查询范围不含该字段', 'A field is outside the scope'],
  'quota-spent': [429, 'after', '当日查询次数已用完', 'The queries of the day are used up'],
  'authorization-required': [403, 'never', '查询须有授权书', 'A query needs an authorization'],
  'authorization-not-found': [404, 'never', '授权书不存在', 'No such authorization for this caller'],
  'authorization-revoked': [403, 'never', '授权书已撤销', 'The authorization was revoked'],
  'authorization-expired': [403, 'never', '授权书不在有效期内', 'The authorization is not in its period'],
  'authorization-used-up': [403, 'never', '授权书许可的次数已用完', 'The uses of the authorization are used up'],
  'authorization-purpose-differs': [403, 'never', '授权书的用途不符', 'The authorization is for another purpose'],
  'authorization-exceeded': [403, 'never', '超出授权书许可的范围', 'The query goes beyond the authorization'],
  'query-not-found': [404, 'never', '查询不存在', 'No such query for this caller'],
  'registry-unavailable': [503, 'after', '登记系统暂不可用', 'The registry cannot be asked now'],
  'registry-refused': [502, 'never', '登记系统拒绝了查询', 'The registry refused the question'],
  // administration of access
  'administration-invalid': [422, 'never', '管理操作填写有误', 'The change of access is not valid'],
  'administration-duplicate': [409, 'never', '已存在，未作更改', 'It is there already'],
  'administration-not-found': [404, 'never', '管理对象不存在', 'There is nothing of this name to administer'],
  'message-not-found': [404, 'never', '报文不存在', 'No such message'],
  'message-not-dead': [409, 'never', '报文不在转人工状态', 'It is no dead letter'],
  'message-may-have-arrived': [409, 'never', '报文可能已送达', 'The message may have arrived'],
  'endpoint-not-found': [404, 'never', '端点不存在', 'No such endpoint'],
  'concern-not-found': [404, 'never', '待处理事项不存在', 'No such concern'],
  'concern-closed': [409, 'never', '待处理事项已关闭', 'The concern is closed'],
  'record-not-found': [404, 'never', '痕迹记录不存在', 'No such trace record'],
  'record-not-covered': [409, 'after', '痕迹记录尚未被检查点覆盖', 'No checkpoint covers the record yet'],
  'trace-empty': [409, 'never', '尚无痕迹记录', 'There are no trace records'],
  'administration-closed': [409, 'never', '管理对象已注销', 'It is closed for good'],
  // intake
  'nonce-repeated': [401, 'same-key', '随机数重复使用', 'The nonce was used before'],
  'idempotency-key-missing': [400, 'never', '缺少幂等键', 'Idempotency-Key is missing'],
  'idempotency-key-invalid': [400, 'never', '幂等键格式错误', 'Idempotency-Key is malformed'],
  'idempotency-conflict': [409, 'never', '幂等键已用于其他请求', 'The key was used before with another request'],
  'request-in-progress': [409, 'same-key', '同一请求正在处理', 'The same request is being processed'],
  'bank-reference-used': [409, 'never', '银行业务编号已使用', 'The bank reference was used before'],
  // bank API
  'case-not-found': [404, 'never', '办件不存在', 'No such case for this caller'],
  'case-ended': [409, 'never', '办件已办结或终止', 'The case has ended'],
  'withdrawal-pending': [409, 'never', '撤回申请正在等待答复', 'A withdrawal is pending'],
  'correction-not-open': [409, 'never', '没有待答复的补正', 'No correction is open'],
  'correction-round-wrong': [409, 'never', '补正轮次不符', 'Another round of correction is open'],
  'correction-invalid': [422, 'never', '补正答复与所要求的事项不符', 'The answer does not fit the items asked for'],
  'material-not-found': [404, 'never', '材料不存在', 'No such material for this caller'],
  'certificate-not-found': [404, 'never', '电子证照不存在', 'No such certificate of this case'],
  'fee-unpaid': [409, 'never', '费用未缴清', 'The fee is not settled'],
  'code-table-not-found': [404, 'never', '代码表不存在', 'No such code table'],
  'material-type-refused': [415, 'never', '材料类型不受理', 'The material is of a type that is not taken'],
  'material-type-mismatch': [422, 'never', '材料内容与声明类型不符', 'The content is not of the declared type'],
  'material-empty': [422, 'never', '材料内容为空', 'The material is empty'],
  'cursor-invalid': [400, 'never', '游标格式错误', 'The cursor is malformed'],
  'cursor-beyond-feed': [409, 'never', '游标超出事件流', 'The cursor is beyond the end of the feed'],
  'event-waiters-of-bank': [429, 'after', '本行等待事件的请求过多', 'Too many requests of this bank wait for events'],
  'event-waiters': [503, 'after', '等待事件的请求过多', 'Too many requests wait for events'],
  // webhook
  'webhook-address-invalid': [422, 'never', '推送地址不符合要求', 'The address cannot be a webhook'],
  'webhook-address-inner': [422, 'never', '推送地址指向内部网络', 'The address leads into an inner network'],
  'webhook-address-unresolved': [422, 'never', '推送地址的主机名无法解析', 'The host of the address does not resolve'],
  'webhook-not-found': [404, 'never', '未设置推送地址', 'No webhook is set'],
  'webhook-not-approved': [409, 'never', '推送地址未经批准', 'The webhook is not approved'],
  'webhook-changed': [409, 'never', '推送地址已变更', 'The address of the webhook is another now'],
  'webhook-check-running': [429, 'after', '推送地址正在核验', 'An address is being checked'],
  'webhook-test-running': [429, 'after', '推送测试正在进行', 'A test of this webhook is under way'],
  'signature-missing': [401, 'never', '请求未签名', 'The request is not signed'],
  'signature-malformed': [400, 'never', '签名头格式错误', 'The signature headers are malformed'],
  'signature-parameter-missing': [401, 'never', '签名参数不全', 'A signature parameter is missing'],
  'signature-component-missing': [401, 'never', '签名未覆盖必需的内容', 'The signature does not cover what it must'],
  'signature-component-absent': [
    400,
    'never',
    '签名覆盖的内容在报文中不存在',
    'The signature covers what the message does not have',
  ],
  'signature-created-outside-window': [
    401,
    'same-key',
    '签名时间超出允许范围',
    'The signature was created outside the allowed window',
  ],
  'signature-expired': [401, 'same-key', '签名已过期', 'The signature has expired'],
  'signature-algorithm-unsupported': [401, 'never', '不支持的签名算法', 'Unsupported signature algorithm'],
  'signature-algorithm-unfit': [
    401,
    'never',
    '签名算法与证书密钥不符',
    'The signature algorithm does not fit the key of the certificate',
  ],
  'signature-invalid': [401, 'never', '请求签名验证未通过', 'The request signature does not verify'],
  'header-repeated': [400, 'never', '请求头重复', 'A header occurs more than once'],
  'digest-missing': [400, 'never', '缺少报文摘要', 'The body has no Content-Digest'],
  'digest-malformed': [400, 'never', '报文摘要格式错误', 'Content-Digest is malformed'],
  'digest-algorithm-unsupported': [400, 'never', '不支持的摘要算法', 'Unsupported digest algorithm'],
  'digest-mismatch': [400, 'never', '报文体与摘要不一致', 'The body does not match its digest'],
  'certificate-malformed': [401, 'never', '证书格式错误', 'The certificate is malformed'],
  'certificate-weak': [
    401,
    'never',
    '证书的算法或密钥强度不符合要求',
    'A key or algorithm of the certificate is too weak or of a kind not accepted',
  ],
  'certificate-untrusted': [401, 'never', '证书不受信任', 'The certificate does not lead to a trusted CA'],
  'certificate-expired': [401, 'never', '证书已过期', 'The certificate has expired'],
  'certificate-not-yet-valid': [401, 'never', '证书尚未生效', 'The certificate is not valid yet'],
  'certificate-usage-wrong': [401, 'never', '证书用途不符', 'The certificate is not made for signing'],
  'certificate-names-no-bank': [401, 'never', '证书未标明银行', 'The certificate names no bank'],
  'business-rule-violated': [422, 'never', '内容不符合业务规则', 'The content breaks business rules'],
  // mapping
  'message-unwritable': [422, 'never', '报文无法生成', 'The message cannot be written'],
  // platform
  'platform-unknown': [404, 'never', '平台不存在', 'No such platform'],
  'callback-type-refused': [422, 'never', '不接受该类型的回调', 'A callback of this type is not taken'],
  'callback-differs': [409, 'never', '同一编号的报文内容不同', 'The message came before with other content'],
  // registry
  'hint-refused': [401, 'never', '登记系统通知未通过验证', 'The hint is not from the registry'],
} as const satisfies Record<string, readonly [status: number, retry: Retry, title: string, titleEn: string]>

export type ProblemCode = keyof typeof catalogue

interface ProblemType {
  readonly status: number
  readonly retry: Retry
  readonly title: string
  readonly titleEn: string
}

export const problems = Object.fromEntries(
  Object.entries(catalogue).map(([code, [status, retry, title, titleEn]]) => [code, { status, retry, title, titleEn }]),
) as { readonly [Code in ProblemCode]: ProblemType }
