import { type Fault, Problem } from '../../base/problem.ts'

/** Every rule that an application can break: a stable code, and what is wrong in Chinese and English. */
export const ruleFaults = {
  // identifiers
  'resident-id-old': [
    '15 位旧身份证号码不再受理，请填 18 位',
    'A 15-digit id number is no longer taken: give the 18-digit one',
  ],
  'resident-id-lower-case': ['身份证号码末位的 X 须大写', 'The X at the end of an id number must be upper-case'],
  'resident-id-invalid': [
    '身份证号码不正确（行政区划、出生日期或校验位）',
    'Not a resident id: division, birth date or check digit is wrong',
  ],
  'permit-invalid': ['港澳台证件号码不正确', 'Not a permit number of Hong Kong, Macao or Taiwan'],
  'passport-invalid': ['护照号码不正确', 'Not a passport number'],
  'credit-code-invalid': [
    '统一社会信用代码不正确（字符或校验位）',
    'Not a unified social credit code: characters or check digit are wrong',
  ],
  'organisation-code-invalid': [
    '组织机构代码不正确（字符或校验位）',
    'Not an organisation code: characters or check digit are wrong',
  ],
  'id-number-invalid': ['证件号码含空白或长度不符', 'The id number has blanks or a wrong length'],
  'id-type-unfit': ['证件种类与当事人类型不符', 'This kind of id does not fit this kind of party'],
  'unit-number-invalid': ['不动产单元号不正确', 'Not a real estate unit number'],
  // parties
  'mortgagee-missing': ['没有抵押权人', 'There is no mortgagee'],
  'mortgagee-not-caller': [
    '抵押权人中没有申请银行（统一社会信用代码不符）',
    'None of the mortgagees is the calling bank (unified social credit code)',
  ],
  'mortgagor-missing': ['没有抵押人', 'There is no mortgagor'],
  'role-not-allowed': ['该业务类型没有这种当事人', 'This business type has no such role'],
  'party-repeated': ['同一当事人以同一身份重复出现', 'The same party is given twice in one role'],
  'party-on-both-sides': ['同一当事人不能既是抵押权人又是抵押人', 'The same party cannot be mortgagee and mortgagor'],
  'debtor-repeats-mortgagor': ['债务人就是抵押人时不重复填写', 'A debtor who is also mortgagor is not repeated'],
  'co-ownership-missing': [
    '有多个抵押人时须填共有方式',
    'With several mortgagors, each needs its kind of co-ownership',
  ],
  'co-ownership-mixed': [
    '同一部分的抵押人共有方式须一致',
    'The mortgagors of one part must have one kind of co-ownership',
  ],
  'sole-with-others': ['单独所有时只能有一个抵押人', 'Sole ownership admits one mortgagor only'],
  'joint-alone': ['共同共有时抵押人至少两人', 'Joint ownership needs at least two mortgagors'],
  'share-missing': ['按份共有须填份额', 'Ownership in shares needs the share'],
  'share-unexpected': ['只有按份共有才填份额', 'Only ownership in shares has a share'],
  'share-invalid': [
    '份额须为大于零、不大于一的分数，如 3/5',
    'A share is a fraction above zero and at most one, such as 3/5',
  ],
  'shares-not-whole': ['各抵押人份额之和须恰为一', 'The shares must add up to exactly one'],
  'authorization-missing': ['有代理人时须指明授权委托书', 'An agent needs the letter of authority to be named'],
  'authorization-unknown': [
    '授权委托书不在本申请的材料中',
    'The letter of authority is not among the materials of this part',
  ],
  'authorization-kind': ['所指材料不是授权委托书', 'The material named is no letter of authority'],
  'not-voluntary': ['申请书及材料须为自愿签署', 'The form and the materials must have been signed voluntarily'],
  // properties
  'property-missing': ['没有不动产单元', 'There is no property'],
  'unit-repeated': ['不动产单元号重复', 'The unit is given twice'],
  'units-in-several-areas': ['一次申请的不动产须在同一县级区划', 'The units of one filing must lie in one county'],
  'land-only-refused': ['纯土地抵押不在受理范围', 'A mortgage of land alone is not taken here'],
  'construction-refused': ['在建工程抵押不在受理范围', 'A mortgage of construction in progress is not taken here'],
  'property-kind-refused': ['该类不动产的抵押不在受理范围', 'A mortgage of this kind of property is not taken here'],
  'unit-kind-differs': ['不动产类型与单元号不符', 'The kind of property does not fit the unit number'],
  'certificate-missing': ['须填不动产权证书号', 'The number of the title certificate is missing'],
  'certificate-not-unified': [
    '须为统一登记后的不动产权证书（形如 鄂(2019)阳新县不动产权第0000001号）',
    'Only certificates under unified registration are taken',
  ],
  'certificate-not-title': [
    '须为不动产权证书，不能是不动产登记证明',
    'A title certificate is needed, not a proof of registration',
  ],
  'certificate-year-invalid': [
    '证书年份须在 2015 年与今年之间',
    'The year of the certificate must lie between 2015 and this year',
  ],
  'area-invalid': ['面积须为大于零的小数', 'An area is a decimal above zero'],
  // mortgage
  'mortgage-missing': ['没有抵押内容', 'There is no mortgage'],
  'mortgage-kind-invalid': ['抵押方式须为一般抵押或最高额抵押', 'A mortgage is ordinary or maximum'],
  'scope-missing': ['须填担保范围', 'The scope of the security is missing'],
  'transfer-restriction-missing': ['须填是否存在禁止或者限制转让的约定', 'Whether transfer is restricted must be said'],
  'secured-amount-missing': ['一般抵押须填被担保主债权数额', 'An ordinary mortgage needs securedAmount'],
  'secured-amount-unexpected': ['最高额抵押不填被担保主债权数额', 'A maximum mortgage has no securedAmount'],
  'maximum-amount-missing': ['最高额抵押须填最高债权额', 'A maximum mortgage needs maximumAmount'],
  'maximum-amount-unexpected': ['一般抵押不填最高债权额', 'An ordinary mortgage has no maximumAmount'],
  'term-missing': ['一般抵押须填债务履行期限', 'An ordinary mortgage needs term'],
  'determination-period-missing': ['最高额抵押须填债权确定期间', 'A maximum mortgage needs determinationPeriod'],
  'determination-period-unexpected': ['一般抵押不填债权确定期间', 'An ordinary mortgage has no determinationPeriod'],
  'amount-invalid': ['金额须为大于零的数，至多两位小数', 'An amount is above zero and has at most two decimals'],
  'date-invalid': ['日期不存在', 'There is no such date'],
  'date-in-future': ['日期不能晚于今天', 'The date must not be later than today'],
  'period-reversed': ['期间的起日晚于止日', 'The period ends before it begins'],
  // materials and times
  'material-repeated': ['同一材料重复列出', 'The same material is listed twice'],
  'material-name-repeated': ['同一部分内材料名称重复', 'The name of a material must be unique within a part'],
  'period-too-long': ['期间超过一年', 'The period is longer than a year'],
  'period-over': ['期间已过', 'The period is over'],
  'numbers-doubled': ['证书号与证明号只写一个', 'Name either the certificate or the proof, not both'],
  'number-missing': ['证书号与证明号须写一个', 'Name the certificate or the proof'],
  'query-authorization-unknown': ['没有这个编号的查询授权书', 'No query authorization has this id'],
  'material-unknown': ['没有这个编号的已上传材料', 'No uploaded material has this id'],
  'material-missing': ['缺少必需的材料', 'A required material is missing'],
  'material-property-unknown': [
    '材料所指的不动产单元不在申请中',
    'The material is about a unit that is not applied for',
  ],
  'material-person-unknown': [
    '材料所指的人不是当事人或代理人',
    'The material is about a person who is neither party nor agent',
  ],
  'material-part-unknown': ['材料所指的部分不存在', 'The material names a part that is not there'],
  'checker-missing': ['须写明核对原件的业务办理人员', 'Who checked the original must be said'],
  'checker-unknown': ['核对人不是本行的业务办理人员', 'The checker is no operator of this bank'],
  'checked-at-missing': ['须写明核对原件的时间', 'When the original was checked must be said'],
  // corrections
  'correction-part-missing': [
    '几个部分都有补正事项时须指明部分',
    'With several parts to be corrected, each item names its part',
  ],
  'correction-item-unknown': ['本轮补正没有该事项', 'This round of correction has no such item'],
  'correction-item-missing': ['有补正事项未答复', 'An item of this round is not answered'],
  'correction-item-repeated': ['同一补正事项答复了两次', 'The same item is answered twice'],
  'correction-replaces-unknown': ['所替换的材料不在该部分的材料中', 'The material to be replaced is none of this part'],
  'correction-path-refused': [
    '补正不能更改该字段，或申请中没有该字段所在的内容',
    'A correction may not change this member, or the application has no place for it',
  ],
  'correction-path-elsewhere': [
    '该字段不是这一事项所要求更正的内容',
    'This member is not what the item asks to correct',
  ],
  'operator-differs': ['业务办理人员与签名请求中的不一致', 'The operator is not the one that the signed request names'],
  'part-number-invalid': ['部分须从 1 起连续编号', 'Parts are numbered from 1 without gaps'],
  'time-invalid': ['时间不正确', 'There is no such time'],
  'time-in-future': ['时间不能晚于现在', 'The time must not lie in the future'],
} as const satisfies { [code: string]: readonly [zh: string, en: string] }

export type RuleFaultCode = keyof typeof ruleFaults

/** @param about what exactly, after a colon; never a personal value. */
export function ruleFault(pointer: string, code: RuleFaultCode, about?: { zh: string; en: string }): Fault {
  const [zh, en] = ruleFaults[code]
  return {
    pointer,
    code,
    detail: about === undefined ? zh : `${zh}：${about.zh}`,
    detailEn: about === undefined ? en : `${en}: ${about.en}`,
  }
}

/** The refusal of an application that breaks business rules: all its faults at once. */
export function ruleProblem(faults: readonly Fault[]): Problem {
  return new Problem(
    'business-rule-violated',
    { zh: `申请有 ${faults.length} 处不符合办理规则`, en: `The application breaks ${faults.length} rule(s)` },
    { faults },
  )
}
