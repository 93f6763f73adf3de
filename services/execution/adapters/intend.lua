-- Records an intent, unless its worker has been fenced out or the client order id is journalled already.
-- KEYS: 1 fences (fence -> lease), 2 the intent, 3 the plan's intents, 4 the unsettled ones
-- ARGV: 1 fence, 2 client order id, 3 intent as JSON, 4 seconds to keep
-- Answers "fenced", "known" or "recorded".
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return "fenced" end
-- Written even where it is known: who then waits for the disk waits for all that was written before, the order's record included.
local known = redis.call("EXISTS", KEYS[2]) == 1
redis.call("HINCRBY", KEYS[2], "sendings", 1)
if known then return "known" end
redis.call("HSET", KEYS[2], "intent", ARGV[3])
redis.call("RPUSH", KEYS[3], ARGV[2])
redis.call("EXPIRE", KEYS[3], ARGV[4])
local time = redis.call("TIME")
redis.call("ZADD", KEYS[4], tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), ARGV[2])
return "recorded"
