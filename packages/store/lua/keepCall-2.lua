--[[
  keepCall: writes an entry of the calls of a session, unless another Instance has claimed the session since.

  KEYS[1]  mcp:sessions:<id>
  KEYS[2]  {mcp:sessions:<id>}:calls
  ARGV[1]  epoch, as the writer knows it
  ARGV[2]  time to live of all entries, ms
  ARGV[3]  entry
  ARGV[4]  its value

  Output   1 written; -2 superseded
]]
-- pcall, because a key of another type is no record. A record that is lost has not been claimed.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) == 'string' and epoch ~= ARGV[1] then return -2 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
