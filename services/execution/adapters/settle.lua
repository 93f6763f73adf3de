-- Records what became of an intent. What has ended stays ended, and "unknown" never replaces something that is known.
-- KEYS: 1 the intent, 2 the unsettled ones
-- ARGV: 1 client order id, 2 outcome, 3 broker order id or "", 4 "1" when the outcome has ended for good,
--       5 seconds to keep what is settled
-- Answers 1 when the intent is journalled.
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
if ARGV[3] ~= "" then redis.call("HSET", KEYS[1], "broker_order_id", ARGV[3]) end
local ended = redis.call("HGET", KEYS[1], "ended") == "1"
local known = redis.call("HEXISTS", KEYS[1], "outcome") == 1 and redis.call("HGET", KEYS[1], "outcome") ~= "unknown"
if (ended and ARGV[4] ~= "1") or (known and ARGV[2] == "unknown") then return 1 end
redis.call("HSET", KEYS[1], "outcome", ARGV[2], "ended", ARGV[4])
if ARGV[2] == "unknown" then return 1 end
redis.call("ZREM", KEYS[2], ARGV[1])
redis.call("EXPIRE", KEYS[1], ARGV[5])
return 1
