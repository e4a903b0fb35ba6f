--[[
  endSession: deletes a record, and notes that it was ended: who still holds the Session must not restore it.

  KEYS[1]  mcp:sessions:<id>
  KEYS[2]  {mcp:sessions:<id>}:ended
  ARGV[1]  how long that is known, ms

  Output   1 deleted; 0 there was none
]]
-- DEL first: it is done also when the memory of Redis is full, and lets SET follow.
local deleted = redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return deleted
