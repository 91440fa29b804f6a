import { partStates } from '../../cases/state.ts'
import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { limit } from './paging.ts'

export const getCases: ApiCall = {
  id: 'listApplications',
  tag: tag.applications,
  summary: { zh: '列出办件', en: 'List the cases' },
  description: {
    zh: '本行的办件，按收到的先后。',
    en: 'The cases of the bank, in the order in which they came.',
  },
  signed: true,
  operator: 'required',
  parameters: [
    {
      name: 'after',
      in: 'query',
      about: { zh: '上一页的 next；不填则从头开始', en: '`next` of the page before; left out: from the beginning.' },
      schema: { type: 'string', format: 'uuid' },
    },
    limit(50, 200),
    {
      name: 'state',
      in: 'query',
      about: { zh: '只列出此状态的办件', en: 'Only cases in this state.' },
      schema: { type: 'string', enum: partStates },
    },
  ],
  answers: {
    200: { about: { zh: '一页办件', en: 'A page of cases.' }, schema: 'case-list', example: 'case-list' },
  },
  problems: ['cursor-invalid'],
}
