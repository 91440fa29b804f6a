import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'

const authorizationId = {
  name: 'id',
  in: 'path',
  about: { zh: '授权书编号', en: 'Id of the authorization.' },
  schema: { type: 'string', format: 'uuid' },
  example: '01a1bdbb-bd80-7a82-aa9f-515ed3d7a146',
} as const

export const postAuthorization: ApiCall = {
  id: 'postAuthorization',
  tag: tag.queries,
  summary: { zh: '登记查询授权书', en: 'Register an authorization' },
  description: {
    zh: '权利人出具的授权书；凭据先作为材料上传。有效期至多 366 天。证书号与证明号至多写一个，都不写则为授权人名下的不动产。',
    en: 'The letter of a holder of rights; its evidence is uploaded first, as a material. Valid for at most 366 days. Names at most one number; with none it covers whatever the authorizer holds.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  body: { schema: 'authorization', example: 'authorization' },
  answers: {
    201: {
      about: { zh: '已登记', en: 'Registered.' },
      schema: 'authorization-status',
      example: 'authorization-status',
      headers: { Location: { zh: '授权书的地址', en: 'Address of the authorization.' } },
    },
  },
  problems: ['message-invalid', 'business-rule-violated', 'business-type-not-granted'],
}

export const getAuthorization: ApiCall = {
  id: 'getAuthorization',
  tag: tag.queries,
  summary: { zh: '查询授权书', en: 'Read an authorization' },
  description: {
    zh: '内容、状态、已用次数，以及其后提交的申请。',
    en: 'What it says, whether it stands, how often it was used, and the application that followed.',
  },
  signed: true,
  operator: 'required',
  parameters: [authorizationId],
  answers: {
    200: {
      about: { zh: '授权书', en: 'The authorization.' },
      schema: 'authorization-status',
      example: 'authorization-status',
    },
  },
  problems: ['authorization-not-found'],
}

export const revokeAuthorization: ApiCall = {
  id: 'revokeAuthorization',
  tag: tag.queries,
  summary: { zh: '撤销授权书', en: 'Revoke an authorization' },
  description: {
    zh: '此后不得再据此查询，重复的调用与以后的读取也不再给出内容。再次撤销无妨。不需要请求体。',
    en: 'From now on nothing is asked under it, and repeats and later looks give nothing any more. To revoke again changes nothing. Needs no body.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  parameters: [authorizationId],
  answers: {
    200: {
      about: { zh: '已撤销', en: 'Revoked.' },
      schema: 'authorization-status',
    },
  },
  problems: ['authorization-not-found'],
}
