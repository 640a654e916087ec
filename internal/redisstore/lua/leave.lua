-- leave: a person goes, and nobody can follow in by the same pass.
--
-- KEYS[1] the visit   ARGV[3] why, '' if they wanted to
-- Returns {who, way} or {} if they were not in.

-- include clock
-- include tell

local f = call('HMGET', KEYS[1], 'who', 'way')
if not f[1] then return {} end
call('DEL', KEYS[1])
tell('00', 'type', 'staff.signed_out', 'actor', f[1], 'way', f[2], 'reason', ARGV[3])
return f
