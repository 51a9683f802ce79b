-- The record as its organisation's admins read it: newest first, whole, by what was done, or by who did it. What was done to one
-- thing is found by audit_by_subject.
CREATE INDEX audit_by_time ON audit (chain, at, seq);
CREATE INDEX audit_by_action ON audit (chain, action, at, seq);
CREATE INDEX audit_by_actor ON audit (chain, actor, at, seq);
