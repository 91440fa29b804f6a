/**
 * The one catalogue of errors (RFC 9457). `retry` tells the client: `never` (change the request first), `same-key`
 * (send again, signed anew, with the same Idempotency-Key), `after` (likewise, after Retry-After).
 * Every code has a heading in docs/problems.md; a test compares both ways.
 */
interface ProblemType {
  status: number
  retry: 'never' | 'same-key' | 'after'
  title: string
  titleEn: string
}

export const problems = {
  internal: { status: 500, retry: 'same-key', title: '系统内部错误', titleEn: 'Unexpected error' },
  overloaded: { status: 503, retry: 'after', title: '系统繁忙，请稍后重试', titleEn: 'The gateway is busy' },
  'disk-full': { status: 503, retry: 'after', title: '存储空间不足，暂不受理', titleEn: 'Storage is nearly full' },
  'shutting-down': { status: 503, retry: 'after', title: '系统正在停机', titleEn: 'The gateway is shutting down' },
  'database-unavailable': {
    status: 503,
    retry: 'after',
    title: '数据库暂不可用',
    titleEn: 'The database cannot be reached',
  },
  'outcome-unknown': {
    status: 503,
    retry: 'same-key',
    title: '处理结果未知，请用同一幂等键重试',
    titleEn: 'The outcome is unknown: repeat with the same key',
  },
  'numbers-exhausted': {
    status: 503,
    retry: 'after',
    title: '当日业务流水号已用尽',
    titleEn: 'The business numbers of the day are used up',
  },
  'route-not-found': { status: 404, retry: 'never', title: '接口不存在', titleEn: 'No such endpoint' },
  'method-not-allowed': { status: 405, retry: 'never', title: '不支持该请求方法', titleEn: 'Method not allowed' },
  'request-malformed': { status: 400, retry: 'never', title: '请求格式错误', titleEn: 'The request is malformed' },
  'request-too-slow': {
    status: 408,
    retry: 'same-key',
    title: '请求未在时限内传完',
    titleEn: 'The request did not arrive in time',
  },
  'body-too-large': { status: 413, retry: 'never', title: '请求体超过上限', titleEn: 'The body is over the limit' },
  'media-type-unsupported': {
    status: 415,
    retry: 'never',
    title: '不支持的内容类型',
    titleEn: 'Unsupported content type',
  },
  'message-invalid': {
    status: 422,
    retry: 'never',
    title: '报文不符合规范',
    titleEn: 'The message does not match its schema',
  },
  // access
  'certificate-unknown': {
    status: 401,
    retry: 'never',
    title: '证书未登记',
    titleEn: 'The certificate is not registered',
  },
  'certificate-suspended': {
    status: 403,
    retry: 'never',
    title: '证书已停用',
    titleEn: 'The certificate is suspended',
  },
  'certificate-bank-mismatch': {
    status: 403,
    retry: 'never',
    title: '证书与账号所属银行不符',
    titleEn: 'The certificate names another bank',
  },
  'account-suspended': { status: 403, retry: 'never', title: '账号已停用', titleEn: 'The account is suspended' },
  'account-not-valid': {
    status: 403,
    retry: 'never',
    title: '账号不在有效期内',
    titleEn: 'The account is outside its validity',
  },
  'bank-suspended': { status: 403, retry: 'never', title: '银行已停用', titleEn: 'The bank is suspended' },
  'agreement-not-in-force': {
    status: 403,
    retry: 'never',
    title: '协议不在有效期内',
    titleEn: 'The agreement is not in force',
  },
  'operator-missing': { status: 400, retry: 'never', title: '未指明业务办理人员', titleEn: 'x-operator is missing' },
  'operator-unknown': {
    status: 403,
    retry: 'never',
    title: '业务办理人员未登记',
    titleEn: 'The operator is not registered',
  },
  'operator-suspended': {
    status: 403,
    retry: 'never',
    title: '业务办理人员已停用',
    titleEn: 'The operator is suspended',
  },
  'business-type-not-granted': {
    status: 403,
    retry: 'never',
    title: '账号无权办理该业务',
    titleEn: 'The account may not file this business type',
  },
  'area-not-granted': {
    status: 403,
    retry: 'never',
    title: '账号无权办理该地区业务',
    titleEn: 'The account may not file for this area',
  },
  'business-type-not-offered': {
    status: 403,
    retry: 'never',
    title: '尚未开通该业务类型',
    titleEn: 'The business type is not offered',
  },
  // administration of access
  'administration-invalid': {
    status: 422,
    retry: 'never',
    title: '管理操作填写有误',
    titleEn: 'The change of access is not valid',
  },
  'administration-duplicate': {
    status: 409,
    retry: 'never',
    title: '已存在，未作更改',
    titleEn: 'It is there already',
  },
  'administration-not-found': {
    status: 404,
    retry: 'never',
    title: '管理对象不存在',
    titleEn: 'There is nothing of this name to administer',
  },
  'message-not-found': { status: 404, retry: 'never', title: '报文不存在', titleEn: 'No such message' },
  'message-not-dead': { status: 409, retry: 'never', title: '报文不在转人工状态', titleEn: 'It is no dead letter' },
  'message-may-have-arrived': {
    status: 409,
    retry: 'never',
    title: '报文可能已送达',
    titleEn: 'The message may have arrived',
  },
  'endpoint-not-found': { status: 404, retry: 'never', title: '端点不存在', titleEn: 'No such endpoint' },
  'record-not-found': { status: 404, retry: 'never', title: '痕迹记录不存在', titleEn: 'No such trace record' },
  'record-not-covered': {
    status: 409,
    retry: 'after',
    title: '痕迹记录尚未被检查点覆盖',
    titleEn: 'No checkpoint covers the record yet',
  },
  'trace-empty': { status: 409, retry: 'never', title: '尚无痕迹记录', titleEn: 'There are no trace records' },
  'administration-closed': { status: 409, retry: 'never', title: '管理对象已注销', titleEn: 'It is closed for good' },
  // intake
  'nonce-repeated': { status: 401, retry: 'same-key', title: '随机数重复使用', titleEn: 'The nonce was used before' },
  'idempotency-key-missing': {
    status: 400,
    retry: 'never',
    title: '缺少幂等键',
    titleEn: 'Idempotency-Key is missing',
  },
  'idempotency-key-invalid': {
    status: 400,
    retry: 'never',
    title: '幂等键格式错误',
    titleEn: 'Idempotency-Key is malformed',
  },
  'idempotency-conflict': {
    status: 409,
    retry: 'never',
    title: '幂等键已用于其他请求',
    titleEn: 'The key was used before with another request',
  },
  'request-in-progress': {
    status: 409,
    retry: 'same-key',
    title: '同一请求正在处理',
    titleEn: 'The same request is being processed',
  },
  'bank-reference-used': {
    status: 409,
    retry: 'never',
    title: '银行业务编号已使用',
    titleEn: 'The bank reference was used before',
  },
  // bank API
  'case-not-found': { status: 404, retry: 'never', title: '办件不存在', titleEn: 'No such case for this caller' },
  'material-not-found': {
    status: 404,
    retry: 'never',
    title: '材料不存在',
    titleEn: 'No such material for this caller',
  },
  'certificate-not-found': {
    status: 404,
    retry: 'never',
    title: '电子证照不存在',
    titleEn: 'No such certificate of this case',
  },
  'fee-unpaid': { status: 409, retry: 'never', title: '费用未缴清', titleEn: 'The fee is not settled' },
  'code-table-not-found': { status: 404, retry: 'never', title: '代码表不存在', titleEn: 'No such code table' },
  'material-type-refused': {
    status: 415,
    retry: 'never',
    title: '材料类型不受理',
    titleEn: 'The material is of a type that is not taken',
  },
  'material-type-mismatch': {
    status: 422,
    retry: 'never',
    title: '材料内容与声明类型不符',
    titleEn: 'The content is not of the declared type',
  },
  'material-empty': { status: 422, retry: 'never', title: '材料内容为空', titleEn: 'The material is empty' },
  'cursor-invalid': { status: 400, retry: 'never', title: '游标格式错误', titleEn: 'The cursor is malformed' },
  'cursor-beyond-feed': {
    status: 409,
    retry: 'never',
    title: '游标超出事件流',
    titleEn: 'The cursor is beyond the end of the feed',
  },
  'event-waiters-of-bank': {
    status: 429,
    retry: 'after',
    title: '本行等待事件的请求过多',
    titleEn: 'Too many requests of this bank wait for events',
  },
  'event-waiters': {
    status: 503,
    retry: 'after',
    title: '等待事件的请求过多',
    titleEn: 'Too many requests wait for events',
  },
  // webhook
  'webhook-address-invalid': {
    status: 422,
    retry: 'never',
    title: '推送地址不符合要求',
    titleEn: 'The address cannot be a webhook',
  },
  'webhook-address-inner': {
    status: 422,
    retry: 'never',
    title: '推送地址指向内部网络',
    titleEn: 'The address leads into an inner network',
  },
  'webhook-address-unresolved': {
    status: 422,
    retry: 'never',
    title: '推送地址的主机名无法解析',
    titleEn: 'The host of the address does not resolve',
  },
  'webhook-not-found': { status: 404, retry: 'never', title: '未设置推送地址', titleEn: 'No webhook is set' },
  'webhook-not-approved': {
    status: 409,
    retry: 'never',
    title: '推送地址未经批准',
    titleEn: 'The webhook is not approved',
  },
  'webhook-changed': {
    status: 409,
    retry: 'never',
    title: '推送地址已变更',
    titleEn: 'The address of the webhook is another now',
  },
  'webhook-test-running': {
    status: 429,
    retry: 'after',
    title: '推送测试正在进行',
    titleEn: 'A test of this webhook is under way',
  },
  'signature-missing': { status: 401, retry: 'never', title: '请求未签名', titleEn: 'The request is not signed' },
  'signature-malformed': {
    status: 400,
    retry: 'never',
    title: '签名头格式错误',
    titleEn: 'The signature headers are malformed',
  },
  'signature-parameter-missing': {
    status: 401,
    retry: 'never',
    title: '签名参数不全',
    titleEn: 'A signature parameter is missing',
  },
  'signature-component-missing': {
    status: 401,
    retry: 'never',
    title: '签名未覆盖必需的内容',
    titleEn: 'The signature does not cover what it must',
  },
  'signature-component-absent': {
    status: 400,
    retry: 'never',
    title: '签名覆盖的内容在报文中不存在',
    titleEn: 'The signature covers what the message does not have',
  },
  'signature-created-outside-window': {
    status: 401,
    retry: 'same-key',
    title: '签名时间超出允许范围',
    titleEn: 'The signature was created outside the allowed window',
  },
  'signature-expired': { status: 401, retry: 'same-key', title: '签名已过期', titleEn: 'The signature has expired' },
  'signature-algorithm-unsupported': {
    status: 401,
    retry: 'never',
    title: '不支持的签名算法',
    titleEn: 'Unsupported signature algorithm',
  },
  'signature-algorithm-unfit': {
    status: 401,
    retry: 'never',
    title: '签名算法与证书密钥不符',
    titleEn: 'The signature algorithm does not fit the key of the certificate',
  },
  'signature-invalid': {
    status: 401,
    retry: 'never',
    title: '请求签名验证未通过',
    titleEn: 'The request signature does not verify',
  },
  'header-repeated': { status: 400, retry: 'never', title: '请求头重复', titleEn: 'A header occurs more than once' },
  'digest-missing': { status: 400, retry: 'never', title: '缺少报文摘要', titleEn: 'The body has no Content-Digest' },
  'digest-malformed': {
    status: 400,
    retry: 'never',
    title: '报文摘要格式错误',
    titleEn: 'Content-Digest is malformed',
  },
  'digest-algorithm-unsupported': {
    status: 400,
    retry: 'never',
    title: '不支持的摘要算法',
    titleEn: 'Unsupported digest algorithm',
  },
  'digest-mismatch': {
    status: 400,
    retry: 'never',
    title: '报文体与摘要不一致',
    titleEn: 'The body does not match its digest',
  },
  'certificate-malformed': {
    status: 401,
    retry: 'never',
    title: '证书格式错误',
    titleEn: 'The certificate is malformed',
  },
  'certificate-weak': {
    status: 401,
    retry: 'never',
    title: '证书的算法或密钥强度不符合要求',
    titleEn: 'A key or algorithm of the certificate is too weak or of a kind not accepted',
  },
  'certificate-untrusted': {
    status: 401,
    retry: 'never',
    title: '证书不受信任',
    titleEn: 'The certificate does not lead to a trusted CA',
  },
  'certificate-expired': { status: 401, retry: 'never', title: '证书已过期', titleEn: 'The certificate has expired' },
  'certificate-not-yet-valid': {
    status: 401,
    retry: 'never',
    title: '证书尚未生效',
    titleEn: 'The certificate is not valid yet',
  },
  'certificate-usage-wrong': {
    status: 401,
    retry: 'never',
    title: '证书用途不符',
    titleEn: 'The certificate is not made for signing',
  },
  'certificate-names-no-bank': {
    status: 401,
    retry: 'never',
    title: '证书未标明银行',
    titleEn: 'The certificate names no bank',
  },
  'business-rule-violated': {
    status: 422,
    retry: 'never',
    title: '申请不符合办理规则',
    titleEn: 'The application breaks business rules',
  },
  // mapping
  'message-unwritable': {
    status: 422,
    retry: 'never',
    title: '报文无法生成',
    titleEn: 'The message cannot be written',
  },
  // registry
  'hint-refused': {
    status: 401,
    retry: 'never',
    title: '登记系统通知未通过验证',
    titleEn: 'The hint is not from the registry',
  },
} as const satisfies Record<string, ProblemType>

export type ProblemCode = keyof typeof problems
