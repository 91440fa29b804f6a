import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'

export const getCodeTables: ApiCall = {
  id: 'getCodeTables',
  tag: tag.codes,
  summary: { zh: '列出代码表', en: 'List the code tables' },
  signed: true,
  operator: 'optional',
  answers: {
    200: {
      about: { zh: '代码表目录', en: 'Names of the tables.' },
      schema: 'code-table-list',
      example: 'code-table-list',
    },
  },
  problems: [],
}

export const getCodeTable: ApiCall = {
  id: 'getCodeTable',
  tag: tag.codes,
  summary: { zh: '查询代码表', en: 'Read a code table' },
  signed: true,
  operator: 'optional',
  parameters: [
    {
      name: 'table',
      in: 'path',
      about: { zh: '代码表名称', en: 'Name of the table.' },
      schema: { type: 'string' },
      example: 'id-type',
    },
  ],
  answers: { 200: { about: { zh: '代码表', en: 'The table.' }, schema: 'code-table', example: 'code-table' } },
  problems: ['code-table-not-found'],
}
