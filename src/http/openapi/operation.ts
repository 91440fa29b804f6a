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

export const getMetrics: ApiCall = {
  id: 'getMetrics',
  tag: operationTag,
  summary: { zh: 'Prometheus 指标', en: 'Numbers for Prometheus' },
  description: {
    zh: '只对 METRICS_ALLOW_CIDR 中的地址存在。',
    en: 'There for the addresses of METRICS_ALLOW_CIDR only.',
  },
  signed: false,
  answers: { 200: { about: { zh: '指标', en: 'The numbers.' }, mediaTypes: ['text/plain'] } },
  problems: ['route-not-found'],
}

export const getDocument: ApiCall = {
  id: 'getDocument',
  tag: operationTag,
  summary: { zh: '本接口的 OpenAPI 3.1 文档', en: 'This API as OpenAPI 3.1' },
  signed: false,
  answers: { 200: { about: { zh: '文档', en: 'The document.' } } },
  problems: [],
}

export const getPage: ApiCall = {
  id: 'getPage',
  tag: operationTag,
  summary: { zh: '本页：供阅读的接口文档', en: 'This API as a page to read' },
  signed: false,
  answers: { 200: { about: { zh: '网页', en: 'The page.' }, mediaTypes: ['text/html'] } },
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
