-- Appends one broker update, unless it was appended before or what is known of its order changed since it was looked at.
-- KEYS: 1 the stream, 2 what is known of the order
-- ARGV: 1 identity of the update, 2 its JSON, 3 stream length, 4 seconds to keep, 5 version looked at or "",
--       6 filled quantity, 7 filled notional, 8 status, 9 "1" when that status is terminal
-- Answers "appended", "known" or "changed".
local seen = "u:" .. ARGV[1]
if redis.call("HEXISTS", KEYS[2], seen) == 1 then return "known" end
if ARGV[5] ~= "" and (redis.call("HGET", KEYS[2], "version") or "0") ~= ARGV[5] then return "changed" end
redis.call("XADD", KEYS[1], "MAXLEN", "~", ARGV[3], "*", "kind", "execution.broker_update.v1", "data", ARGV[2])
redis.call("HSET", KEYS[2], seen, "1")
redis.call("HINCRBY", KEYS[2], "version", 1)
-- Filled quantity only grows; a terminal status stays.
if tonumber(ARGV[6]) >= tonumber(redis.call("HGET", KEYS[2], "filled") or "0") then
  redis.call("HSET", KEYS[2], "filled", ARGV[6], "notional", ARGV[7])
end
if ARGV[9] == "1" or redis.call("HGET", KEYS[2], "ended") ~= "1" then
  redis.call("HSET", KEYS[2], "status", ARGV[8], "ended", ARGV[9])
end
redis.call("EXPIRE", KEYS[2], ARGV[4])
return "appended"
