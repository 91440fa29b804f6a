/** What a record can tell of. The key is what stands in the record for ever; the titles are for people. */
const recordTypes = {
  'authentication-refused': { zh: '身份验证未通过', en: 'Authentication refused' },
  'refusals-counted': { zh: '未验签请求拒绝计数', en: 'Refusals before a verified signature, counted' },
  'access-decided': { zh: '访问权限判定', en: 'Access decided' },
  'request-refused': { zh: '请求被拒绝', en: 'Request refused' },
  'material-stored': { zh: '材料入库', en: 'Material stored' },
  'application-received': { zh: '收到申请', en: 'Application received' },
  'withdrawal-requested': { zh: '申请撤回', en: 'Withdrawal requested' },
  'correction-answered': { zh: '答复补正', en: 'Correction answered' },
  disclosure: { zh: '信息披露', en: 'Data disclosed' },
  'certificate-released': { zh: '电子证照放行', en: 'Certificate released' },
  'message-queued': { zh: '报文入列', en: 'Message queued' },
  'push-attempted': { zh: '推送尝试', en: 'Push attempted' },
  'poll-exchanged': { zh: '轮询往来', en: 'Poll exchange' },
  'callback-received': { zh: '收到回调', en: 'Callback received' },
  'fact-applied': { zh: '办件事实生效', en: 'Fact applied to a case' },
  'fact-known': { zh: '重复事实', en: 'Fact already known' },
  'contradiction-raised': { zh: '事实冲突', en: 'Contradiction raised' },
  'message-parked': { zh: '报文转人工', en: 'Message parked for a person' },
  'message-replayed': { zh: '报文重投', en: 'Message replayed' },
  administration: { zh: '管理变更', en: 'Administrative change' },
  'key-used': { zh: '密钥变更', en: 'Key made or changed' },
  'staff-signed-in': { zh: '工作人员登录', en: 'Staff member signed in' },
  'trace-exported': { zh: '痕迹导出', en: 'Trace exported' },
} as const satisfies Record<string, { zh: string; en: string }>

export type RecordType = keyof typeof recordTypes
