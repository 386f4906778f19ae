-- Every sweep asks for what older rules refused; mostly there is nothing, among much that the present ones do.
CREATE INDEX waiting_rules ON understudy.waiting (entity, spec_version) WHERE reason IN ('rule', 'parent');

INSERT INTO understudy.schema_version (version) VALUES (2);
