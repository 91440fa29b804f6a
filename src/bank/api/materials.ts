import type { ApiCall } from '../../http/openapi/description.ts'
import { materialTypes } from '../../materials/content-type.ts'
import { tag } from './about.ts'

export const postMaterial: ApiCall = {
  id: 'postMaterial',
  tag: tag.materials,
  summary: { zh: '上传一份材料', en: 'Upload a material' },
  description: {
    zh: '报文体即文件本身：PDF、OFD、JPEG、PNG，须与 Content-Type 一致。',
    en: 'The body is the file itself: PDF, OFD, JPEG or PNG; its content must be what Content-Type declares.',
  },
  signed: true,
  operator: 'required',
  keyed: true,
  body: { mediaTypes: Object.keys(materialTypes) },
  answers: {
    201: {
      about: { zh: '已存入', en: 'Stored.' },
      schema: 'stored-material',
      example: 'stored-material',
      headers: { Location: { zh: '材料的地址', en: 'Address of the material.' } },
    },
  },
  problems: [
    'body-too-large',
    'material-empty',
    'material-type-refused',
    'material-type-mismatch',
    'digest-mismatch',
    'disk-full',
  ],
}

export const getMaterial: ApiCall = {
  id: 'getMaterial',
  tag: tag.materials,
  summary: { zh: '查询材料', en: 'Read about a material' },
  signed: true,
  operator: 'required',
  parameters: [
    {
      name: 'id',
      in: 'path',
      about: { zh: '材料编号', en: 'Id of the material.' },
      schema: { type: 'string', format: 'uuid' },
      example: '019aa1c2-4f00-7a11-8b22-3c44d5e6f708',
    },
  ],
  answers: {
    200: { about: { zh: '材料', en: 'The material.' }, schema: 'stored-material', example: 'stored-material' },
  },
  problems: ['material-not-found'],
}
