--[[
  dropCalls: deletes entries of the calls of a session, unless another Instance has claimed the session since.

  KEYS[1]  mcp:sessions:<id>
  KEYS[2]  {mcp:sessions:<id>}:calls
  ARGV[1]  epoch, as the writer knows it
  ARGV[2…] entries

  Output   1 done; -2 superseded
]]
-- pcall, because a key of another type is no record. A record that is lost has not been claimed.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) == 'string' and epoch ~= ARGV[1] then return -2 end
redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
return 1
