-- knock: may somebody try to sign in? The try is counted here, before anything
-- is compared: as many may be under way at once as there are tries left.
--
-- KEYS[1] the place's tries
-- ARGV[3..] marks of the place, the name and the pair (both '' where none is given), the name if somebody has it
-- Returns {ms to wait, which limit}, {0} for one that may try.

-- include clock
-- include tell
-- include tries

local place, name, pair, actor = unpack(ARGV, 3, 6)

local wait, limit = 0, ''
local function longer(ms, what)
  if ms > wait then wait, limit = ms, what end
end
local failed, till, known = 0, 0, 0
if name ~= '' then
  failed, till, known = read_pair(staff_key('tries:pair', pair))
  longer(till - NOW, 'pair')
end
if known <= NOW then -- nobody else may use up the tries of those who are at home here
  longer(wait_for(KEYS[1], PLACE_BURST, PLACE_GAP), 'place')
  if name ~= '' then longer(wait_for(staff_key('tries:name', name), NAME_BURST, NAME_GAP), 'name') end
end

if wait > 0 then
  if call('SET', staff_key('told', place), '1', 'NX', 'PX', whole(wait)) then
    tell('00', 'type', 'staff.throttled', 'actor', actor, 'reason', limit)
  end
  return {wait, limit}
end

if known <= NOW then charge_try(KEYS[1], PLACE_GAP) end
if name ~= '' then
  failed = failed + 1
  if failed >= FREE then till = NOW + LOCKS[math.min(failed - FREE + 1, #LOCKS)] end
  keep_pair(staff_key('tries:pair', pair), failed, till, known)
  if known <= NOW then charge_try(staff_key('tries:name', name), NAME_GAP) end
end
return {0}
