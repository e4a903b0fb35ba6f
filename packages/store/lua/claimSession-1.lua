--[[
  claimSession: makes an Instance the owner, if nobody was faster, and counts the epoch up. Its time to live stays.

  KEYS[1]  mcp:sessions:<id>
  ARGV[1]  epoch
  ARGV[2]  id of the Instance

  Output   the new record as field, value, field, value …; -1 gone; -2 superseded
]]
-- pcall, because a key of another type is no record.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) ~= 'string' then return -1 end
if epoch ~= ARGV[1] then return -2 end
-- HDEL, of nothing, is done also when the memory of Redis is full, and as the first write of the script lets HSET follow.
redis.call('HDEL', KEYS[1], '')
redis.call('HSET', KEYS[1], 'instanceId', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
return redis.call('HGETALL', KEYS[1])
