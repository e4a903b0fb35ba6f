import { expect, it } from 'vitest'
import { mainConf } from './main.js'

const settings = { runDir: '/srv/run', siteFile: '/srv/run/nginx/site.conf' }

it('leaves out the directives of modules that this Nginx was built without', () => {
  const build = 'configure arguments: --without-http_fastcgi_module --without-http_scgi_module'
  const text = mainConf({ ...settings, build })
  expect(text).not.toMatch(/fastcgi|scgi_temp_path '\/srv\/run\/nginx\/scgi/)
  expect(text).toContain("uwsgi_temp_path '/srv/run/nginx/uwsgi';")
})

it('asks for no more open files than it may have', () => {
  const text = mainConf({ ...settings, openFiles: 4096 })
  expect(text).toContain('worker_rlimit_nofile 4096;')
  expect(text).toContain('worker_connections 4096;')
})

it('asks for no more open files than it needs', () => {
  const text = mainConf({ ...settings, openFiles: 1_048_576 })
  expect(text).toContain('worker_rlimit_nofile 65535;')
  expect(text).toContain('worker_connections 16384;')
})

it('says whom its workers run as only where it is told', () => {
  expect(mainConf({ ...settings, user: 'root' })).toMatch(/^user 'root';$/m)
  expect(mainConf(settings)).not.toContain('user ')
})

it('includes one file where its path looks like a pattern', () => {
  const text = mainConf({ ...settings, siteFile: "/srv/[it's]/site?.conf" })
  expect(text).toContain("include '/srv/[[]it\\'s]/site[?].conf';")
})
