-- Sends the prepared requests of a file in turn: wrk … -- FILE THREADS
-- FILE holds whole HTTP requests, each ended by a line with a single NUL. Every thread has its own share of them, so that
-- no JSON-RPC id is in flight twice. Output: one line of JSON when the run is over.

local started = 0

function setup(thread)
  thread:set('share', started)
  started = started + 1
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local text = file:read('*a')
  file:close()
  local threads, ended, from, at = tonumber(args[2]), '\n\0\n', 1, 0
  requests, sent = {}, 0
  while true do
    local to = text:find(ended, from, true)
    if not to then break end
    if at % threads == share then requests[#requests + 1] = text:sub(from, to - 1) end
    from, at = to + #ended, at + 1
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"calls":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect, e.read, e.write, e.status, e.timeout))
end
