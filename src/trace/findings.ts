/**
 * What `verifyTrace` may find. `from` to before `to` are leaf numbers: one leaf, or the smallest range between two
 * checkpoints to which it could be narrowed down; null where no number is known.
 */
export interface Finding {
  readonly kind: FindingKind
  readonly recordId?: string
  readonly from: number | null
  readonly to: number | null
  readonly zh: string
  readonly en: string
}

const sentences = {
  'record-changed': {
    zh: '记录内容与其叶子不符：记录被改动',
    en: 'the record is not what its leaf says: it was changed',
  },
  'record-columns-changed': {
    zh: '记录的检索列与其内容不符：列被改动',
    en: 'the columns beside the record are not what its bytes say: they were changed',
  },
  'record-deleted': {
    zh: '叶子仍在而记录不存在：记录被删除',
    en: 'its leaf is there, the record is not: it was deleted',
  },
  'record-without-leaf': {
    zh: '记录既无叶子也不在待封存之列：记录系插入，或其叶子被删除',
    en: 'the record has no leaf and is not pending: it was inserted, or its leaf was deleted',
  },
  'leaf-changed': {
    zh: '按记录重算与检查点一致而叶子不一致：叶子被改动',
    en: 'the record fits the checkpoint, its leaf does not: the leaf was changed',
  },
  'leaf-deleted': {
    zh: '记录仍在且与所缺位置相符，叶子不存在：叶子被删除',
    en: 'the record is there and fits in its place, its leaf is not: the leaf was deleted',
  },
  'leaves-missing': { zh: '叶子缺失', en: 'leaves are missing' },
  'leaf-beyond-head': {
    zh: '叶子编号超出树的大小：叶子系插入',
    en: 'a leaf beyond the size of the tree: it was inserted',
  },
  'range-changed': {
    zh: '此范围的叶子与签名检查点不一致：其中有改动、删除、插入或调序',
    en: 'the leaves of this range are not those that the checkpoint signed: changed, deleted, inserted or reordered',
  },
  'range-unproven': {
    zh: '因前一范围已被改动，此范围无法单独证明',
    en: 'this range cannot be proved on its own, since the one before it was changed',
  },
  truncated: {
    zh: '检查点所覆盖的记录多于现存：尾部被截断',
    en: 'a checkpoint covers more than is there: the tail was cut off',
  },
  'node-changed': { zh: '存储的树节点与叶子不一致', en: 'a stored node of the tree is not that of its leaves' },
  'pending-changed': {
    zh: '待封存的散列与记录不符',
    en: 'what is pending to be sealed is not the hash of its record',
  },
  'pending-stray': {
    zh: '待封存项没有记录，或其记录已封存',
    en: 'a pending entry without a record, or of a record that is sealed already',
  },
  'checkpoint-row-changed': { zh: '数据库中的检查点被改动', en: 'the checkpoint in the database was changed' },
  'checkpoint-row-missing': { zh: '数据库中的检查点缺失', en: 'the checkpoint is missing in the database' },
  'checkpoint-file-changed': { zh: '检查点文件被改动', en: "the checkpoint's file was changed" },
  'checkpoint-file-missing': { zh: '检查点文件缺失', en: "the checkpoint's file is missing" },
  'checkpoint-key-unknown': {
    zh: '检查点由不受信任的证书签名',
    en: 'the checkpoint is signed by a certificate that is not trusted here',
  },
  'checkpoints-contradict': {
    zh: '两个签名检查点相互矛盾',
    en: 'two signed checkpoints contradict each other',
  },
} as const satisfies Record<string, { zh: string; en: string }>

export type FindingKind = keyof typeof sentences

/** Findings up to a limit, so that a log of which everything is gone still fits in memory. */
export class Findings {
  readonly list: Finding[] = []
  omitted = 0
  readonly #maximum: number

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  add(kind: FindingKind, at: { recordId?: string; from?: number; to?: number } = {}): void {
    if (this.list.length >= this.#maximum) {
      this.omitted += 1
      return
    }
    const { recordId, from, to } = at
    const { zh, en } = sentences[kind]
    this.list.push({
      kind,
      ...(recordId === undefined ? {} : { recordId }),
      from: from ?? null,
      to: to ?? (from === undefined ? null : from + 1),
      zh: [zh, ...(recordId === undefined ? [] : [`记录 ${recordId}`]), ...placeText('编号', from, to)].join('，'),
      en: [en, ...(recordId === undefined ? [] : [`record ${recordId}`]), ...placeText('leaf', from, to)].join(', '),
    })
  }
}

function placeText(word: string, from: number | undefined, to: number | undefined): string[] {
  if (from === undefined) return []
  const last = (to ?? from + 1) - 1
  return last <= from ? [`${word} ${from}`] : [`${word} ${from}–${last}`]
}
