--[[
  restoreSession: writes the record of a Session that is gone though nobody ended it. One that is there is left as it is.

  KEYS[1]  mcp:sessions:<id>
  KEYS[2]  {mcp:sessions:<id>}:ended
  ARGV[1]  time to live, ms
  ARGV[2…] field, value, field, value …

  Output   1 restored; 0 it is there; -1 it was ended
]]
if redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then return 0 end
-- A key of another type is no record.
if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
