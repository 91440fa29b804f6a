/** The one catalogue of what a person at the centre is told of, each in Chinese and English. */
export const concernKinds = {
  // what was said of a case against what is known of it
  'already-ended': ['办结或终止后又报来另一结果', 'another end is told of a part that has ended'],
  'never-accepted': [
    '不予受理后又报来受理之后的环节',
    'a step after acceptance is told of a part that was not accepted',
  ],
  'already-accepted': ['已受理后又报来不予受理', 'a part that was accepted is said not to be accepted'],
  'correction-after-acceptance': ['受理之后又要求补正', 'a correction is asked for after acceptance'],
  'refused-after-withdrawal': ['已撤回后又报来不同意撤回', 'a withdrawal that took place is said to be refused'],
  'procedure-ends-before-start': ['特殊程序结束早于开始', 'a special procedure ends before it began'],
  'fee-exempt-and-paid': ['费用既免缴又已缴', 'a fee is said to be exempt and to be paid'],
  'fee-due-after-exempt': ['已免缴的费用又要求缴纳', 'a fee that was exempt is said to be due'],
  'not-recorded': ['未登簿却报来登簿结果或证书', 'an entry or a certificate is told of a part that was not recorded'],
  'unit-not-in-part': ['报来的不动产单元不在申请中', 'a unit is told of that the application does not name'],
  'unit-has-certificate': ['同一不动产单元又报来另一证书', 'another certificate is told of a unit that has one'],
  'source-not-allowed': ['该环节不应由此方告知', 'a step is told by somebody whose word it is not'],
  'part-unknown': ['报来的业务部分不存在', 'a part is told of that the case does not have'],
  'content-differs': ['同一事项前后内容不同', 'the same is told again with other content'],
  'platform-differs': ['平台与登记系统说法不一', 'the platform says otherwise than the registry'],
  'registry-number-differs': ['登记业务号与已知的不同', 'another registry number than the known one is told'],
  'too-many-waiting': [
    '该办件等待先后关系的消息过多',
    'too many statements about the case wait for their predecessors',
  ],
  'register-entry-differs': ['登簿内容与申请不一致', 'the register holds members otherwise than they were sent'],
  'certificate-number-differs': ['登簿的证明号与证书号不一致', 'the numbers of register entry and certificate differ'],
  'certificate-without-file': ['电子证照没有文件', 'a certificate comes without a file'],
  'answer-unreadable': ['登记系统的应答无法读取', 'an answer of the registry cannot be read'],
  'correction-overtaken': [
    '登记系统已另行办结，补正答复未被采用',
    'the registry ended the case without the answer of a correction',
  ],
  // callbacks of the platform
  'platform-refused': ['平台拒收我方报文', 'the platform refuses a message of ours'],
  'acknowledgement-without-number': ['平台回执没有办件编号', 'the platform acknowledges a case without its number'],
  'payment-not-made': ['平台报来未完成的缴费', 'the platform tells of a payment that was not made'],
  'payment-differs': ['平台报来的缴费与应缴不符', 'a payment told by the platform fits no fee'],
  'withdrawal-after-end': ['办结后平台报来撤回申请', 'a withdrawal is asked for at the platform after the end'],
  'withdrawal-files-elsewhere': ['撤回材料只在平台', 'papers of a withdrawal lie at the platform only'],
  'callback-incomplete': ['平台回调缺少必要内容', 'a callback lacks what it is about'],
  'callback-differs': ['平台同一编号的报文内容不同', 'a callback came again with other content'],
  'callback-waits': ['平台回调等待已久，找不到对应办件或事项', 'a callback still waits for what it is about'],
  'correction-not-open': ['平台答复的补正未在进行', 'a correction answered at the platform is not open'],
  'correction-unusable': ['平台的补正答复无法使用', 'a correction answered at the platform cannot be used'],
  'platform-number-taken': ['平台给出的办件编号已属另一办件', 'the platform gives a number that another case has'],
  'platform-number-shared': [
    '几个办件有同一平台办件编号，无法判断所指',
    'several cases have the platform number that a callback names',
  ],
  // delivery
  'dead-letter': ['报文转人工', 'a message cannot be delivered: a dead letter'],
} as const satisfies Record<string, readonly [zh: string, en: string]>

export type ConcernKind = keyof typeof concernKinds

/** In Chinese and English; a kind of another version stands for itself. */
export function concernText(kind: string): { zh: string; en: string } {
  const [zh, en] = Object.hasOwn(concernKinds, kind) ? concernKinds[kind as ConcernKind] : [kind, kind]
  return { zh, en }
}
