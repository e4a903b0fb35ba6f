--[[
  updateSession: changes fields of a record that still has the epoch its writer believes in. Its time to live stays.

  KEYS[1]  mcp:sessions:<id>
  ARGV[1]  epoch
  ARGV[2…] field, value, field, value …

  Output   1 done; -1 gone; -2 superseded
]]
-- pcall, because a key of another type is no record.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) ~= 'string' then return -1 end
if epoch ~= ARGV[1] then return -2 end
-- HDEL, of nothing, is done also when the memory of Redis is full, and as the first write of the script lets HSET follow.
redis.call('HDEL', KEYS[1], '')
if #ARGV > 1 then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
return 1
