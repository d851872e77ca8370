-- What a stretch of a card's use burnt of its quota: bytes of IP that its router carried for its
-- user; NULL: nobody saw them.
ALTER TABLE sim_use ADD COLUMN burnt_bytes INTEGER;
