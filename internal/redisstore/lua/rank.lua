-- rank.lua: what is told about an attempt is merged;
-- a state only moves towards a higher rank.

local RANK = {queued = 0, sending = 1, accepted = 2, sent = 3, unknown = 4, undelivered = 5, failed = 5, delivered = 6}
