-- Every sweep asks for dead letters of older rules; mostly there are none, among many of the present ones.
CREATE INDEX waiting_rules ON understudy.waiting (entity, spec_version) WHERE reason = 'rule';

INSERT INTO understudy.schema_version (version) VALUES (2);
