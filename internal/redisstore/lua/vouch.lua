-- vouch: the session of a right check of a factor, which the database has counted and accepted.
--
-- KEYS[1] the session   ARGV[3..] partition, factor, namespace, anchor, session life, how: '' or a short code
-- Returns {expiry}.

-- include clock
-- include tell

local p, id, ns, anchor, life, how = unpack(ARGV, 3, 8)
local expires = NOW + life
call('SET', KEYS[1], table.concat({id, anchor, 'totp', whole(expires)}, ' '), 'PX', whole(life + GRACE))
if how == '' then
  tell(p, 'type', 'factor.approved', 'id', id, 'ns', ns, 'an', anchor)
else
  tell(p, 'type', 'factor.approved', 'id', id, 'ns', ns, 'an', anchor, 'reason', how)
end
return {expires}
