import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { limit } from './paging.ts'

export const getFeed: ApiCall = {
  id: 'getEvents',
  tag: tag.events,
  summary: { zh: '读取事件流', en: 'Read the feed' },
  description: {
    zh: '本行全部事件，次序永不改变，可从任一游标反复读取。带 wait 时，没有新事件的请求至多等待这么多秒。',
    en: 'Every event of the bank in one order that never changes; any cursor may be read again. With `wait` an empty page is held back for up to that many seconds, until there is something.',
  },
  signed: true,
  operator: 'required',
  parameters: [
    {
      name: 'after',
      in: 'query',
      about: { zh: '上一页的 next；不填则从头开始', en: '`next` of the page before; left out: from the beginning.' },
      schema: { type: 'string', pattern: '^(0|[1-9]\\d{0,15})$', default: '0' },
      example: '1207',
    },
    limit(100, 500),
    {
      name: 'wait',
      in: 'query',
      about: { zh: '没有新事件时最多等待多少秒', en: 'Most seconds to wait for an event.' },
      schema: { type: 'integer', minimum: 0, maximum: 30, default: 0 },
    },
  ],
  answers: { 200: { about: { zh: '一页事件', en: 'A page of events.' }, schema: 'event-page', example: 'event-page' } },
  problems: ['cursor-invalid', 'cursor-beyond-feed', 'event-waiters-of-bank', 'event-waiters'],
}
