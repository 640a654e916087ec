-- welcome: a person is in. Their tries are forgotten, this place is known to be
-- theirs, and what their browser had before opens nothing any more.
--
-- KEYS[1] the visit
-- ARGV[3..] hash of the pass before ('' if none), marks of place, name and pair, who, role, namespaces, way, mark, ms it may last,
--   ms without a click
-- Returns {}.

-- include clock
-- include tell
-- include tries

local before, place, name, pair, who, role, namespaces, way, mark, longest, idle = unpack(ARGV, 3, 13)
if before ~= '' then call('DEL', staff_key('visit', before)) end

local over = NOW + tonumber(longest)
call('HSET', KEYS[1], 'who', who, 'role', role, 'namespaces', namespaces, 'way', way, 'mark', mark, 'until', whole(over), 'seen', NOW_TEXT)
call('PEXPIRE', KEYS[1], ttl(math.min(over, NOW + tonumber(idle))))

local known, key = 0, staff_key('tries:pair', pair)
if name ~= '' then known = select(3, read_pair(key)) end
if known <= NOW then give_back(staff_key('tries:place', place), PLACE_GAP) end -- or it was not charged
if name ~= '' then
  if known <= NOW then give_back(staff_key('tries:name', name), NAME_GAP) end
  keep_pair(key, 0, 0, NOW + KNOWN)
end
tell('00', 'type', 'staff.signed_in', 'actor', who, 'way', way)
return {}
