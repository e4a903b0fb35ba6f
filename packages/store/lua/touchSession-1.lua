--[[
  touchSession: renews the life of a record, unless another Instance has claimed it since.

  KEYS[1]  mcp:sessions:<id>
  ARGV[1]  epoch
  ARGV[2]  lastActive, ISO-8601
  ARGV[3]  time to live, ms

  Output   1 kept; -1 gone; -2 superseded
]]
-- pcall, because a key of another type is no record.
local epoch = redis.pcall('HGET', KEYS[1], 'epoch')
if type(epoch) ~= 'string' then return -1 end
if epoch ~= ARGV[1] then return -2 end
-- PEXPIRE first: as the first write of the script it is also done when the memory of Redis is full, and lets HSET follow.
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[1], 'lastActive', ARGV[2])
return 1
