import { expect, it } from 'vitest'
import { report } from './command.js'

it('says what is wrong with each thing once', () => {
  const lines = report([
    { what: 'node', found: 'v22.0.0' },
    { what: 'wrk', problem: 'missing', fix: 'apt-get install wrk', optional: true },
    { what: 'nginx', problem: 'missing', fix: 'apt-get install nginx' },
    { what: 'redis', problem: 'connect ECONNREFUSED', fix: 'start it' },
    {
      what: 'port 8080 (nginx)',
      problem: 'port 8080 is taken by pid 7 (httpd); end it or change GATEWAY_PORT',
    },
  ])
  expect(lines.slice(1, 6)).toEqual([
    'node               ok       v22.0.0',
    'wrk                missing',
    'nginx              MISSING',
    'redis              WRONG    connect ECONNREFUSED',
    'port 8080 (nginx)  TAKEN    by pid 7 (httpd); end it or change GATEWAY_PORT',
  ])
})
