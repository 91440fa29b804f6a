/** Names and codes of the second generation (TD/T 1066) that the sandbox registry knows. */
/** Words parted by blanks. */
export const list = (text: string): readonly string[] => text.split(' ')

/** Kinds of application: first registration, change, cancellation, notice. */
export const recTypes = new Set(['1003701', '3003701', '4000101', '7000101'])

/** What only the registry may state: a message to it that contains one of these is refused. */
export const forbiddenElements = new Set(list('DJF_DJ_SH DJF_DJ_DB DJF_DJ_FZ DJF_DJ_GD DJF_DJ_SZ DJF_DJ_SF'))
export const forbiddenAttributes = new Set(
  list('SLRY SLSJ AJZT DBR DJSJ DJJG QSZT BDCDJZMH SFWTAJ JSSJ ZXSJ ZXDBR ZXDYYWH QZYSXLH FZJG'),
)

export const knownAttributes: Readonly<Record<string, readonly string[]>> = {
  ZTT_GY_QLR: list(
    'YSDM BDCDYH SXH QLRMC BDCQZH SFCZR ZJZL ZJH SSHY GJ HJSZSS XB DH DZ YB GZDW DZYJ QLRLX QLBL GYFS GYQK BZ QXDM ' +
      'YWH QLLX QLRTZ',
  ),
  QLF_QL_DYAQ: list(
    'YSDM BDCDYH YWH DYBDCLX DYR DJLX DYFS ZJJZWZL ZJJZWDYFW BDBZZQSE ZWLXQSSJ ZWLXJSSJ ZGZQQDSS ZGZQSE QXDM FJ DJYY ' +
      'DYJELX SSYWH DYRLX DYQSW SFYGDJ DYMJ MJDW BZ JEDW DBFW DYQX SFCZJZHXZ',
  ),
  QLF_QL_DYAQ_DYWQD: list('YWH XH ZL YT MJ BDCDYH'),
  QLF_QL_YGDJ: list(
    'YSDM BDCDYH YWH BDCZL YWR YWRZJZL YWRZJH YGDJZL TDSYQR GHYT FWXZ FWJG SZC ZCS JZMJ QDJG QXDM FJ DJYY DJLX SSYWH ' +
      'YTMC JEDW DBFW SFCZJZHXZ',
  ),
  QLF_QL_ZXDJ: list('QLLX YSDM BDCDYH BDCQZH YWH ZXYWH QXDM BZ'),
  DJT_DJ_SL: list('DJLX YSDM YWH SQZSBS SQFBCZ ZL TZRXM TZFS TZRDH TZRYDDH TZRDZYJ BZ QXDM'),
  DJF_DJ_SQ: list(
    'SQSJ YSDM YWH QLRMC QLRZJZL QLRZJH QLRTXDZ QLRYB QLRFRMC QLRFRDH QLRDLRMC QLRDLRDH QLRDLJG YWRMC YWRZJZL YWRZJH ' +
      'YWRTXDZ YWRYB YWRFRMC YWRFRDH YWRDLRMC YWRDLRDH YWRDLJG BZ QXDM',
  ),
  DJF_DJ_SJ: list('YWH YSDM SJSJ SJLX SJMC SJSL SFSJSY SFEWSJ SFBCSJ YS BZ QXDM'),
  FJ_F_100: list('FJNRURL WJZXFID FJMC FJLX FJNR'),
  JH_FJ: list('YWLSH SXH FJMC WJDX ZYSF ZYZ'),
  JH_DSQLR: list('YWH SXH DSQLRLB DSQLRMC ZJZL ZJH DH DZ QLRLX'),
  JH_BZDF: list('YWLSH BFXH YWH BZLC XH DFNR'),
  JH_CH: list('YWLSH SLBH CHYY SQSJ CZRMC'),
  JH_CZ: list('XH YWLSH SLBH'),
  JH_CXTJ: list('XH CXJB BDCQZH BDCDJZMH QLRMC ZJZL ZJH CXMD CXSQCL SQSBH SQQSSJ SQJSSJ CXDW CXDWZJH CZRMC'),
}

const documents = list('1 2 3 4 5 6 7 8 99')
/** Code tables by the attribute that uses them; attributes that are not here are free. */
export const knownCodes: Readonly<Record<string, readonly string[]>> = {
  ZJZL: documents,
  QLRZJZL: documents,
  YWRZJZL: documents,
  DYFS: list('1 2'),
  DYBDCLX: list('1 2 3 4 5 6 7'),
  DJLX: list('100 200 300 400 500 600 700 800 900'),
  GYFS: list('0 1 2 3'),
  MJDW: list('1 2 3'),
  SJLX: list('1 2 3 4 5 99'),
  YGDJZL: list('1 2 3 4'),
  TZFS: list('1 2 3 4'),
  SFCZJZHXZ: list('0 1'),
  SFYGDJ: list('0 1'),
  SFBCSJ: list('0 1'),
  ZYSF: list('SM3 SHA256'),
  CXJB: list('1 2'),
  CXSQCL: list('1 2 3 4 5'),
}

/** The texts of response codes. */
export const responseTexts: Readonly<Record<string, string>> = {
  '0000': '成功',
  '1001': '报文无法解析',
  '1002': '报文内容不符合要求',
  '1003': '代码不在代码表中',
  '1005': '材料摘要不符',
  '2001': '办件不存在',
  '2002': '当前状态不允许该操作',
  '3002': '超出授权范围',
  '9001': '系统繁忙',
}
