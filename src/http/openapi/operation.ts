import type { ApiCall } from './description.ts'

export const operationTag = '运行 Operation'

export const getLive: ApiCall = {
  id: 'getLive',
  tag: operationTag,
  summary: { zh: '进程是否在运行', en: 'Whether the process answers' },
  signed: false,
  answers: { 200: { about: { zh: '在运行', en: 'It does.' }, schema: 'live' } },
  problems: [],
}

export const getReady: ApiCall = {
  id: 'getReady',
  tag: operationTag,
  summary: { zh: '各部分是否正常', en: 'Whether every part works' },
  signed: false,
  answers: {
    200: { about: { zh: '全部正常', en: 'All of them.' }, schema: 'health' },
    503: { about: { zh: '有的不正常，见 checks', en: 'Some do not: see checks.' }, schema: 'health' },
  },
  problems: [],
}

export const getProblem: ApiCall = {
  id: 'getProblem',
  tag: operationTag,
  summary: { zh: '错误代码的含义', en: 'What a problem code means' },
  signed: false,
  parameters: [
    {
      name: 'code',
      in: 'path',
      about: { zh: '错误代码', en: 'The code.' },
      schema: { type: 'string' },
      example: 'case-not-found',
    },
  ],
  answers: { 200: { about: { zh: '错误类型', en: 'The type of problem.' }, schema: 'problem-type' } },
  problems: ['route-not-found'],
}
