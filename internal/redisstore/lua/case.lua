-- case: what is kept of a verification for those who help its recipient.
--
-- KEYS[1] the verification   ARGV[3..] partition, id
-- Returns {namespace, anchor, binding, sealed address, sealed letter or "", then each other address as
--   "channel mask letter"}, or {} if there is none.

-- include clock
-- include record
-- include sends

local p, id = unpack(ARGV, 3, 4)
local v = find(p, id)
if not v then return {} end
local letter = ''
for n = v.n, 1, -1 do
  local kept = call('HGET', v.key, 'l' .. n)
  if letter == '' and kept and not send(v, n).m then letter = kept end
end
local out = {v.ns, v.an, v.b, call('HGET', v.key, 'a') or '', letter}
local live = v.st == 'pending' and v.exp > NOW
if not live then out[5] = '' end
local others = live and call('HGET', v.key, 'b')
if others then
  for line in string.gmatch(others, '\n([^\n]+)') do out[#out + 1] = line end
end
return out
